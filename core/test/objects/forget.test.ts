import { MemoryEngine } from '@facet/engine';
import { expect, it } from 'vitest';
import { CommandRunner } from '../../src/commands/command.ts';
import { makeUploadId, timestamp } from '../../src/index.ts';
import { completedKey } from '../../src/meta/keys.ts';
import { encodeCompleted } from '../../src/meta/records/upload.ts';
import { forgetAnswers } from '../../src/multipart/forget.ts';

const HOUR = 3600n * 1_000_000_000n;

it('answers of completed uploads are kept for a day', async () => {
  const engine = new MemoryEngine();
  const keys = [0n, 1n, 2n].map((hours) => {
    const completed = timestamp(hours * HOUR);
    return { key: completedKey(makeUploadId(completed, Buffer.alloc(8))), completed };
  });
  await engine.write(function* (tx) {
    for (const { key, completed } of keys) {
      const etag = { digest: Buffer.alloc(16), parts: 1 };
      tx.put(key, encodeCompleted({ key: Buffer.from('k'), volume: 1, etag, sizeBytes: 1, completed }));
    }
    return yield* tx.getMany([]);
  });
  const environment = {
    now: () => timestamp(25n * HOUR),
    randomBytes: (count: number) => Buffer.alloc(count),
  };
  await new CommandRunner(engine, environment).run(forgetAnswers, {});
  expect(keys.map(({ key }) => engine.snapshot().get(key) !== undefined)).toEqual([false, false, true]);
});
