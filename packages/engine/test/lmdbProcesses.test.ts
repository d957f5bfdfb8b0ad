import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openLmdbEngine, prefixEnd } from '../src/index.ts';

/** Rounds of the kill test. An hour's soak: KILL_ROUNDS=4000. */
const killRounds = Number(process.env['KILL_ROUNDS'] ?? 12);
const script = (name: string) => fileURLToPath(new URL(`processes/${name}`, import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-processes-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('a read sees what another process acknowledged before it, whatever this one read just before', async () => {
  const engine = await openLmdbEngine({ path: folder });
  const writer = fork(script('pingWriter.ts'), [folder]);
  await once(writer, 'message');
  let acknowledged = 0;
  let late = 0;
  const readN = () => engine.read((tx) => tx.get(Buffer.from('n'))).then((value) => Number(value ?? 0));
  const done = new Promise<void>((resolve) => {
    writer.on('message', async (n) => {
      acknowledged = Number(n);
      if ((await readN()) < acknowledged) late++;
      if (acknowledged === 1000) resolve();
      else writer.send(acknowledged + 1);
    });
  });
  // Reads in every turn, so that the turn in which the acknowledgement comes has often read already.
  const reading = (async () => {
    while (acknowledged < 1000) {
      const floor = acknowledged;
      if ((await readN()) < floor) late++;
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  writer.send(1);
  await Promise.all([done, reading]);
  expect(late).toBe(0);
  writer.kill();
  await once(writer, 'exit');
  await engine.close();
});

interface Writer {
  readonly process: ChildProcess;
  readonly name: string;
  readonly ended: Promise<unknown>;
}

it(`keeps every acknowledged write of two processes killed at any moment (${killRounds} rounds)`, {
  timeout: 60_000 + killRounds * 5_000,
}, async () => {
  const acknowledged = new Set<string>();
  for (let round = 0; round < killRounds; round++) {
    // The second goes on alone for a while over what the first one's death left.
    const pair = [`a${round}`, `b${round}`].map((name) => startWriter(name, acknowledged));
    for (const writer of round % 2 === 0 ? pair : pair.toReversed()) {
      await acknowledgements(writer, Math.ceil(Math.random() * 300));
      writer.process.kill('SIGKILL');
      await writer.ended;
    }
    await verify(acknowledged);
  }
});

function startWriter(name: string, acknowledged: Set<string>): Writer {
  const process_ = spawn(process.execPath, [script('killedWriter.ts'), folder, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let partial = '';
  process_.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (partial + chunk).split('\n');
    partial = lines.pop() ?? '';
    for (const sequence of lines) acknowledged.add(`${name}/${sequence}`);
    process_.emit('acknowledged', lines.length);
  });
  return { process: process_, name, ended: once(process_, 'close') };
}

/** Resolves when `count` more writes of the writer were acknowledged; rejects when it ends by itself. */
async function acknowledgements(writer: Writer, count: number): Promise<void> {
  const ended = writer.ended.then(() => {
    throw new Error(`${writer.name} ended by itself`);
  });
  const enough = new Promise<void>((resolve) => {
    let left = count;
    writer.process.on('acknowledged', (lines: number) => {
      left -= lines;
      if (left <= 0) resolve();
    });
  });
  await Promise.race([enough, ended]);
}

async function verify(acknowledged: ReadonlySet<string>): Promise<void> {
  const engine = await openLmdbEngine({ path: folder });
  const everything = { start: Buffer.from('a'), end: prefixEnd(Buffer.from('c')), limit: 10_000_000 };
  const { count, entries } = await engine.read(function* (tx) {
    return { count: yield* tx.get(Buffer.from('count')), entries: yield* tx.range(everything) };
  });
  const stored = new Map(entries.map(({ key, value }) => [Buffer.from(key).toString(), value]));
  stored.delete('count');
  expect([...acknowledged].filter((key) => !stored.has(key))).toEqual([]);
  for (const [key, value] of stored) {
    const sequence = Number(key.split('/')[1]);
    expect(Buffer.alloc(50 + (sequence % 7) * 400, sequence % 256).equals(value), key).toBe(true);
  }
  // Each operation wrote its record and counted itself, or did neither.
  expect(Number(count ?? 0)).toBe(stored.size);
  await engine.close();
}
