import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { SharedWords } from '../src/index.ts';

const MODULE = fileURLToPath(new URL('../src/sharedWords.ts', import.meta.url));

test('what one process stores another loads', () => {
  const words = SharedWords.make();
  words.store(3, 41);
  const script = `
    const { SharedWords } = await import(${JSON.stringify(MODULE)});
    const words = SharedWords.open(3);
    process.stdout.write(String(words.increment(3)));
    words.store(0, -7);
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe', words.fd],
    encoding: 'utf8',
  });
  expect([stdout, stderr]).toEqual(['42', '']);
  expect([words.load(3), words.load(0)]).toEqual([42, -7]);
});

test('a word goes around at 2^31', () => {
  const words = SharedWords.make();
  words.store(0, 2 ** 31 - 1);
  expect(words.increment(0)).toBe(-(2 ** 31));
  expect(words.load(0)).toBe(-(2 ** 31));
});
