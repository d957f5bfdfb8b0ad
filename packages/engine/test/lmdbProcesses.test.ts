import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openLmdbEngine, prefixEnd } from '../src/index.ts';
import { openDatabase } from '../src/lmdb/database.ts';

/** How many writers to kill. For a soak set it high: ten minutes are about 1,000. */
const kills = Number(process.env['FACET_SOAK_KILLS'] ?? 24);
const script = (name: string) => fileURLToPath(new URL(`processes/${name}`, import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-processes-'));
});
const started: ChildProcess[] = [];
afterEach(async () => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

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

it('opening frees the slots of readers that were killed', async () => {
  const database = openDatabase({ path: folder, mapSizeBytes: 2 ** 30 });
  const reader = fork(script('pingWriter.ts'), [folder]);
  await once(reader, 'message');
  reader.send(1);
  await once(reader, 'message');
  reader.kill('SIGKILL');
  await once(reader, 'exit');
  expect(database.readerList()).toContain(` ${reader.pid} `);
  const again = openDatabase({ path: folder, mapSizeBytes: 2 ** 30 });
  expect(database.readerList()).not.toContain(` ${reader.pid} `);
  await again.close();
  await database.close();
});

interface Writer {
  readonly process: ChildProcess;
  readonly ended: Promise<unknown>;
}

// One at a time: who opens the file while another writes has LMDB forget what that one commits.
it(`keeps every acknowledged write of a process under kill -9 (${kills} kills)`, {
  timeout: 60_000 + kills * 5_000,
}, async () => {
  const acknowledged = new Acknowledged();
  for (let kill = 0; kill < kills; kill++) {
    const writer = startWriter(acknowledged);
    // None at times, so that it is also killed while it opens the store.
    await acknowledged.more(Math.floor(Math.random() * 200));
    writer.process.kill('SIGKILL');
    await writer.ended;
    // Half of the time a new writer opens what the dead one left before anybody has looked at it.
    if (kill % 2 === 0) await verify(acknowledged.keys());
    if (kill % 25 === 24) await startAfresh(acknowledged);
  }
  await startAfresh(acknowledged);
});

/** The keys of the records that writers were told are written. */
class Acknowledged {
  readonly #keys = new Set<string>();
  #waiting: { left: number; resolve: () => void } | undefined;

  add(key: string): void {
    this.#keys.add(key);
    if (this.#waiting !== undefined && --this.#waiting.left <= 0) this.#waiting.resolve();
  }

  /** Resolves when `count` more came. */
  async more(count: number): Promise<void> {
    if (count === 0) return;
    await new Promise<void>((resolve) => {
      this.#waiting = { left: count, resolve };
    });
    this.#waiting = undefined;
  }

  keys(): readonly string[] {
    return [...this.#keys];
  }

  clear(): void {
    this.#keys.clear();
  }
}

let writersStarted = 0;

function startWriter(acknowledged: Acknowledged): Writer {
  const name = `w${writersStarted++}`;
  const writer = spawn(process.execPath, [script('killedWriter.ts'), folder, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(writer);
  let partial = '';
  writer.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (partial + chunk).split('\n');
    partial = lines.pop() ?? '';
    for (const sequence of lines) acknowledged.add(`${name}/${sequence}`);
  });
  const ended = once(writer, 'close').then(([code, signal]) => {
    if (signal !== 'SIGKILL') throw new Error(`a writer ended by itself: ${signal ?? code}`);
  });
  return { process: writer, ended };
}

/** Keeps a long soak from checking an ever larger store. */
async function startAfresh(acknowledged: Acknowledged): Promise<void> {
  await verify(acknowledged.keys());
  acknowledged.clear();
  await rm(folder, { recursive: true });
}

async function verify(acknowledged: readonly string[]): Promise<void> {
  const engine = await openLmdbEngine({ path: folder });
  const prefix = Buffer.from('w');
  const { count, entries } = await engine.read(function* (tx) {
    return {
      count: Number((yield* tx.get(Buffer.from('count'))) ?? 0),
      entries: yield* tx.range({ start: prefix, end: prefixEnd(prefix), limit: 10_000_000 }),
    };
  });
  const stored = new Map(entries.map(({ key, value }) => [Buffer.from(key).toString(), value]));
  expect(acknowledged.filter((key) => !stored.has(key))).toEqual([]);
  for (const [key, value] of stored) {
    const sequence = Number(key.split('/')[1]);
    expect(Buffer.alloc(50 + (sequence % 7) * 400, sequence % 256).equals(value), key).toBe(true);
  }
  // Each operation wrote its record and counted itself, or did neither.
  expect(count).toBe(stored.size);
  await engine.close();
}
