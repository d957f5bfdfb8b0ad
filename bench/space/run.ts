/**
 * `npm run bench:space`: what small objects take of the disk, and how soon and how much of it comes back.
 *
 *   --small N         objects of 1 KiB (default 100000)
 *   --large N         objects of 16 KiB (default 20000)
 *   --directory N     entries of the large directory (default 100000; 0 leaves directories out)
 *   --wait SECONDS    how long compaction may take (default 120)
 *   --cold            reads objects of 1 KiB of a store that was opened anew, and of which nothing is in memory, as well
 *   --again N         how often what was deleted is put again and deleted (default 3)
 *   --data DIR        where the store is made, and removed again: the disk that is measured
 *
 * One process, through the core: no door, no network. Objects are read all the time while nine in ten are deleted and what
 * stays is compacted. What the figures cannot show: days of change, other file systems' blocks, metadata that memory cannot hold.
 */

import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { optionsOf } from '../load/options.ts';
import { measureCold } from './cold.ts';
import { measureDirectories } from './directory.ts';
import { each, type Kind, keyOf, mustRead, perSecond, put, type Speed, scattered, stays } from './objects.ts';
import { anonymousBytes, type BenchStore, compactMetadata, openStore } from './store.ts';

const KEPT_SHARE = 0.1;
const RATIO_WANTED = 1.5;
/** Of a tenth, and of all, which are read to see how fast. */
const READS_MAX = 50_000;
/** As the system counts what it reads. @source getrusage(2), ru_inblock */
const BLOCK_BYTES = 512;
const LOOK_MS = 500;
/** Longer than the compactor rests between two looks. */
const REST_MS = 15_000;

const values = optionsOf(import.meta, {
  small: { type: 'string', default: '100000' },
  large: { type: 'string', default: '20000' },
  directory: { type: 'string', default: '100000' },
  wait: { type: 'string', default: '120' },
  again: { type: 'string', default: '3' },
  cold: { type: 'boolean', default: false },
  data: { type: 'string', default: tmpdir() },
});
const SMALL: Kind = { name: 'small', count: Number(values.small), lengthBytes: 1024 };
const LARGE: Kind = { name: 'large', count: Number(values.large), lengthBytes: 16 * 1024 };
const KINDS = [SMALL, LARGE].filter(({ count }) => count > 0);
/** What is to stay of all. */
const LIVE_BYTES = KINDS.reduce((sum, { count, lengthBytes }) => {
  let left = 0;
  for (let i = 0; i < count; i += 1) if (stays(i, KEPT_SHARE)) left += lengthBytes;
  return sum + left;
}, 0);

const tell = (line: string): unknown => process.stdout.write(`${line}\n`);
const whole = (number: number): string => Math.round(number).toLocaleString('en');
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
const rates = ({ first, last }: Speed): string =>
  `${whole(first)} a second in the first tenth, ${whole(last)} in the last (${(last / first).toFixed(2)} times)`;

function readRates([beginning, latest, all]: readonly [number, number, number]): string {
  const times = (rate: number) => `${whole(rate)} (${(rate / beginning).toFixed(2)} times)`;
  return `${whole(beginning)} a second of the first tenth when there was no more, ${times(latest)} of the last, ${times(all)} of all`;
}

async function fill(store: BenchStore, kind: Kind): Promise<void> {
  const before = await store.taken();
  const memory = anonymousBytes();
  const { puts, beginning, latest, all } = await putAndRead(store, kind);
  const after = await store.taken();
  const metadata = (after.metadataBytes - before.metadataBytes) / kind.count;
  const extents = (after.extentBytes - before.extentBytes) / (kind.count * kind.lengthBytes);
  tell(`${whole(kind.count)} objects of ${kind.lengthBytes} bytes put: ${rates(puts)}`);
  tell(`  read at random: ${readRates([beginning.once, latest.once, all.once])}`);
  const [ofLatest, ofAll] = [latest.bytesOfDisk, all.bytesOfDisk].map(whole);
  tell(`  from the disk, each: ${ofLatest} bytes of the last tenth, ${ofAll} of all`);
  tell(`  the same again, from memory: ${readRates([beginning.again, latest.again, all.again])}`);
  tell(
    `  metadata ${whole(metadata)} bytes an object, extents ${extents.toFixed(3)} times the logical bytes`,
  );
  tell(`  anonymous memory ${megabytes(memory)} before, ${megabytes(anonymousBytes())} after`);
}

async function tellCold(fetches: boolean): Promise<void> {
  const costs = await measureCold(directory, SMALL, { fetches });
  const who = fetches ? 'fetched by threads' : 'as the event loop meets them';
  tell(
    `of a store of which nothing is in memory, ${who}: ${whole(costs.readsPerSecond)} reads a second, ` +
      `${costs.faults.toFixed(2)} page faults each; the event loop stood still for ${costs.p99Ms.toFixed(1)} ms (p99), ` +
      `${whole(costs.slowestMs)} at most`,
  );
}

interface ReadSpeed {
  /** A second. What the system has not kept in memory comes from the disk. */
  readonly once: number;
  /** A read, that first time. */
  readonly bytesOfDisk: number;
  /** The same objects at once after that: what the store itself costs. */
  readonly again: number;
}

interface Fill {
  readonly puts: Speed;
  /** Of the first tenth, when there was no more. */
  readonly beginning: ReadSpeed;
  /** When all were there: of the tenth that was put last, as the first was then, and of all. */
  readonly latest: ReadSpeed;
  readonly all: ReadSpeed;
}

async function putAndRead(store: BenchStore, kind: Kind): Promise<Fill> {
  const { count } = kind;
  const tenth = Math.max(1, Math.floor(count / 10));
  const puts = (from: number, to: number) => perSecond(from, to, (i) => put(store, kind, i));
  const first = await puts(0, tenth);
  const beginning = await readSome(store, kind, { from: 0, to: tenth });
  await puts(tenth, count - tenth);
  const from = Math.max(tenth, count - tenth);
  const last = await puts(from, count);
  const latest = await readSome(store, kind, { from, to: count });
  return {
    puts: { first, last },
    beginning,
    latest,
    all: await readSome(store, kind, { from: 0, to: count }),
  };
}

async function readSome(
  store: BenchStore,
  kind: Kind,
  { from, to }: { from: number; to: number },
): Promise<ReadSpeed> {
  const among = to - from;
  const reads = Math.min(among, READS_MAX);
  const all = () => perSecond(0, reads, (i) => mustRead(store, kind, from + scattered(i, among)));
  const before = process.resourceUsage().fsRead;
  const once = await all();
  const bytesOfDisk = ((process.resourceUsage().fsRead - before) * BLOCK_BYTES) / reads;
  return { once, bytesOfDisk, again: await all() };
}

/** Reads what stays, over and over. */
function readAlways(store: BenchStore, kinds: readonly Kind[]) {
  let isEnding = false;
  let [reads, slowest] = [0, 0];
  const reading = (async () => {
    for (let i = 0; !isEnding; i += 1) {
      for (const kind of kinds) {
        const number = i % kind.count;
        if (!stays(number, KEPT_SHARE)) continue;
        const began = performance.now();
        await mustRead(store, kind, number);
        slowest = Math.max(slowest, performance.now() - began);
        reads += 1;
        // What is in memory is read without a turn of the event loop.
        await setImmediate();
      }
    }
  })();
  return {
    async end(): Promise<string> {
      isEnding = true;
      await reading;
      return `${whole(reads)} reads meanwhile, all of them right, the slowest ${slowest.toFixed(1)} ms`;
    },
  };
}

async function deleteMost(store: BenchStore): Promise<void> {
  const reader = readAlways(store, KINDS);
  for (const kind of KINDS) {
    const { core, volume } = store;
    const gone = Array.from({ length: kind.count }, (_, i) => i).filter((i) => !stays(i, KEPT_SHARE));
    const speed = await each(gone.length, (at) =>
      core.objects.delete({ volume, key: keyOf(kind, gone[at] ?? 0) }),
    );
    tell(`${whole(gone.length)} of ${whole(kind.count)} deleted: ${rates(speed)}`);
  }
  const began = performance.now();
  const seconds = (): string => ((performance.now() - began) / 1000).toFixed(1);
  let reached: string | undefined;
  let [before, stillSince] = ['', began];
  while (performance.now() - began < Number(values.wait) * 1000) {
    const ratio = await liveRatio(store);
    if (ratio <= RATIO_WANTED && reached === undefined) {
      reached = seconds();
      tell(`  ${reached} s after the last delete extents are at ${ratio.toFixed(2)} times what is alive`);
    }
    const { compactor, collector } = store.core;
    const now = JSON.stringify([compactor?.counts, collector.counts, await collector.backlog()]);
    if (now !== before) stillSince = performance.now();
    if (performance.now() - stillSince > REST_MS) break;
    before = now;
    await delay(LOOK_MS);
  }
  const restSeconds = ((stillSince - began) / 1000).toFixed(1);
  tell(`  at rest after ${restSeconds} s: ${(await liveRatio(store)).toFixed(2)} times what is alive`);
  tell(`  compactor ${JSON.stringify(store.core.compactor?.counts)}`);
  tell(`  collector ${JSON.stringify(store.core.collector.counts)}`);
  tell(`  ${await reader.end()}; anonymous memory ${megabytes(anonymousBytes())}`);
}

async function liveRatio(store: BenchStore): Promise<number> {
  return (await store.taken()).extentBytes / LIVE_BYTES;
}

/** As many objects come again as went, and go, and come: LMDB's file is to grow no more. */
async function refill(store: BenchStore): Promise<void> {
  if (SMALL.count === 0) return;
  const { core, volume } = store;
  const gone = Array.from({ length: SMALL.count }, (_, i) => i).filter((i) => !stays(i, KEPT_SHARE));
  for (let again = 0; again < Number(values.again); again += 1) {
    const before = await store.taken();
    const speed = await each(gone.length, (at) => put(store, SMALL, gone[at] ?? 0));
    const after = await store.taken();
    tell(`${whole(gone.length)} objects put again: ${rates(speed)}`);
    tell(
      `  the metadata's file ${megabytes(before.metadataFileBytes)} before, ${megabytes(after.metadataFileBytes)} after`,
    );
    await each(gone.length, (at) => core.objects.delete({ volume, key: keyOf(SMALL, gone[at] ?? 0) }));
    await core.collector.drain();
  }
}

const directory = await mkdtemp(join(values.data, 'facet-bench-space-'));
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    rmSync(directory, { recursive: true, force: true });
    process.exit(1);
  });
}
try {
  let store = await openStore(directory);
  tell(`node ${process.version}; anonymous memory ${megabytes(anonymousBytes())} with an empty store`);
  for (const kind of KINDS) await fill(store, kind);
  if (values.cold) {
    await store.close();
    for (const fetches of [true, false, true, false]) await tellCold(fetches);
    store = await openStore(directory);
  }
  if (KINDS.length > 0) await deleteMost(store);
  await refill(store);
  await store.close();
  const began = performance.now();
  const { entries, bytesBefore, bytesAfter } = await compactMetadata(directory);
  tell(
    `compact --metadata: ${megabytes(bytesBefore)} to ${megabytes(bytesAfter)}, ${whole(entries)} entries in ${((performance.now() - began) / 1000).toFixed(1)} s`,
  );
  if (Number(values.directory) > 0) {
    store = await openStore(directory);
    tell('microseconds an operation in a directory, medians, one caller:');
    for (const { entries: count, ...costs } of await measureDirectories(store, Number(values.directory))) {
      const figures = Object.entries(costs).map(([name, cost]) => `${name} ${whole(cost)}`);
      tell(`  of ${whole(count)} entries: ${figures.join(', ')} (a page of 1,000)`);
    }
    await store.close();
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}
