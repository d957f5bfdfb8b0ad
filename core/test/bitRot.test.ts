/** Bits that flip in the metadata of a store at rest: what either view reads is right, or an error. */

import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPages, EngineError, openLmdbEngine } from '@facet/engine';
import { LocalExtentStore, NodeDisk } from '@facet/extents';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { FileAttributes } from '../src/files/types.ts';
import {
  type Core,
  type Finding,
  fsck,
  openCore,
  type Repaired,
  repair,
  systemEnvironment,
  type VolumeId,
} from '../src/index.ts';
import { InvariantError } from '../src/invariant.ts';
import { etagText } from '../src/objects/etag.ts';
import { freeListPages } from './freeListPages.ts';
import { below, bytesFrom, randomFrom } from './random.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-rot-'));
});
afterEach(() => rm(folder, { recursive: true }));

const PAGE_BYTES = 4096;
const FLIPS = 150;
/** Of which repair mends some: most flips damage a record, and beside one it leaves alone what may rest on it. */
const SEED = Number(process.env['FACET_DAMAGE_SEED'] ?? 8);
const caller = { uid: 0, gid: 0, groups: [] };
const ETAG = { digest: Buffer.alloc(16), parts: 0 };

const engineIn = (root: string) => openLmdbEngine({ path: join(root, 'meta'), mapSizeBytes: 1 << 28 });
const extentsIn = (root: string) => new NodeDisk(join(root, 'extents'));

async function open(root: string): Promise<Core> {
  const engine = await engineIn(root);
  return openCore({
    engine,
    openExtents: async (lease) => new LocalExtentStore({ disk: extentsIn(root), lease }),
    environment: systemEnvironment(),
  }).catch(async (error: unknown) => {
    await engine.close();
    throw error;
  });
}

async function fill(root: string, objects: ReadonlyMap<string, Buffer>): Promise<VolumeId> {
  const core = await open(root);
  await core.accounts.create({ name: 'tester' });
  const { id: volume } = await core.volumes.create({ name: 'bucket', owner: 'tester' });
  for (const [key, bytes] of objects) {
    const writer = core.objects.stage({ lengthBytes: bytes.length });
    await writer.write(hasMap(bytes) ? Buffer.from(bytes).fill(0, ...WRITTEN_OVER) : bytes);
    const how = { etag: ETAG, properties: {}, userMetadata: { colour: `of ${key}` } };
    await core.objects.put({ volume, key: Buffer.from(key), body: await writer.finish(), ...how });
    if (hasMap(bytes)) await writeOver(core, { volume, key: Buffer.from(key) }, bytes);
  }
  await core.close();
  return volume;
}

const WRITTEN_OVER = [1_000, 2_000] as const;
const hasMap = (bytes: Buffer): boolean => bytes.length >= 3_000;

/** So that it lies in several extents. */
async function writeOver(core: Core, at: { volume: VolumeId; key: Buffer }, bytes: Buffer): Promise<void> {
  const file = await fileOf(core, at);
  if (!file) throw new Error(`${at.key} is there`);
  const [offset, end] = WRITTEN_OVER;
  await core.files.write({ caller, file, offset, data: [bytes.subarray(offset, end)] });
}

async function fileOf(core: Core, at: { volume: VolumeId; key: Buffer }) {
  let file = await core.files.root(at);
  let attributes: FileAttributes | undefined;
  for (const name of at.key.toString().split('/')) {
    const found = await core.files.lookup({ caller, parent: file, name: Buffer.from(name) });
    if (!found.file) return undefined;
    attributes = file = found.file;
  }
  return attributes;
}

/** `anew`: a file that a repair made of inline bytes has no metadata of an object, and another etag. */
type Seen = 'right' | 'absent' | 'error' | 'anew';

async function byObjects(core: Core, at: { volume: VolumeId; key: Buffer }, bytes: Buffer): Promise<Seen> {
  const object = await core.objects.open(at);
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of object.read()) chunks.push(Buffer.from(chunk));
    expect(Buffer.concat(chunks).equals(bytes), at.key.toString()).toBe(true);
    const { userMetadata, etag } = object.info;
    if (!hasMap(bytes) && etag !== etagText(ETAG) && Object.keys(userMetadata).length === 0) return 'anew';
    expect(userMetadata, at.key.toString()).toEqual({ colour: `of ${at.key}` });
    return 'right';
  } finally {
    object.close();
  }
}

async function byFiles(core: Core, at: { volume: VolumeId; key: Buffer }, bytes: Buffer): Promise<Seen> {
  const file = await fileOf(core, at);
  if (!file) return 'absent';
  expect(file.sizeBytes, at.key.toString()).toBe(bytes.length);
  const { data } = await core.files.read({ caller, file, offset: 0, lengthBytes: bytes.length });
  expect(Buffer.concat(data).equals(bytes), at.key.toString()).toBe(true);
  return 'right';
}

const CODES: Readonly<Record<string, Seen>> = {
  Corrupt: 'error',
  NoEntry: 'absent',
  Stale: 'absent',
  NoSuchVolume: 'absent',
};

/** Anything but these is a wrong answer. */
function seen(error: unknown): Seen {
  if (error instanceof InvariantError) return 'error';
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const what = CODES[code];
  if (what === undefined) throw error;
  return what;
}

async function repairIn(root: string): Promise<readonly Repaired[]> {
  const engine = await engineIn(root);
  const lease = () => Promise.reject(new Error('only looked at'));
  const extents = new LocalExtentStore({ disk: extentsIn(root), lease });
  const repaired: Repaired[] = [];
  try {
    await repair({
      engine,
      extents,
      environment: systemEnvironment(),
      onFinding: () => undefined,
      onRepaired: (one) => repaired.push(one),
      setAside: (path) => Promise.reject(new Error(`${path} is set aside`)),
    });
  } finally {
    await extents.close();
    await engine.close();
  }
  return repaired;
}

/** What LMDB itself finds while it writes ends a repair, and nothing of that is kept. */
function refused(error: unknown): readonly Repaired[] {
  if (error instanceof EngineError && error.code === 'Damaged') return [];
  throw error;
}

async function findingsIn(root: string): Promise<readonly Finding[]> {
  const engine = await engineIn(root);
  const disk = extentsIn(root);
  const extents = new LocalExtentStore({ disk, lease: () => Promise.reject(new Error('only looked at')) });
  const findings: Finding[] = [];
  try {
    await fsck({ engine, extents, onFinding: (finding) => findings.push(finding) });
  } finally {
    await extents.close();
    await engine.close();
  }
  return findings;
}

it(`never read as anything by either view, and are told of by fsck and scrub (seed ${SEED})`, async () => {
  const random = randomFrom(SEED);
  const sound = join(folder, 'sound');
  await mkdir(sound);
  const objects = new Map<string, Buffer>();
  for (let at = 0; at < 40; at += 1) {
    const size = at % 5 === 0 ? 3_000 + below(random, 20_000) : 1 + below(random, 1_500);
    objects.set(`${'abc'[at % 3]}/${at}`, bytesFrom(random, size));
  }
  const volume = await fill(sound, objects);
  expect(await findingsIn(sound)).toEqual([]);
  const file = await readFile(join(sound, 'meta', 'data.mdb'));
  const ofFreeList = freeListPages(file);
  expect(ofFreeList.size).toBeGreaterThan(0);
  const counts = { ...newCounts(), pages: 0, harmless: 0, repairs: 0 };
  for (let flip = 0; flip < FLIPS; flip += 1) {
    const at = 2 * PAGE_BYTES + below(random, file.length - 2 * PAGE_BYTES);
    if (ofFreeList.has(Math.floor(at / PAGE_BYTES))) continue;
    const bit = 1 << below(random, 8);
    const flipped = Buffer.from(file);
    flipped[at] = (flipped[at] ?? 0) ^ bit;
    // A place of its own: a store that failed is never closed.
    const root = join(folder, `flipped-${flip}`);
    await cp(sound, root, { recursive: true });
    await writeFile(join(root, 'meta', 'data.mdb'), flipped);
    let pages = 0;
    await checkPages(join(root, 'meta'), () => {
      pages += 1;
    });
    if (pages > 0) counts.pages += 1;
    else {
      const met = await readAll(root, { volume, objects }, counts);
      const findings = await findingsIn(root);
      if (met.size > 0) expect(findings.length, `byte ${at} bit ${bit}`).toBeGreaterThan(0);
      else if (findings.length === 0) counts.harmless += 1;
      if (met.size > 0) {
        const repaired = await repairIn(root).catch(refused);
        counts.repairs += repaired.length;
        // What could be read can be read.
        const after = await readAll(root, { volume, objects }, newCounts());
        for (const what of after) expect(met, `byte ${at} bit ${bit}`).toContain(what);
      }
    }
    await rm(root, { recursive: true });
  }
  expect(counts.right).toBeGreaterThan(1_000);
  expect(counts.error).toBeGreaterThan(10);
  expect(counts.anew).toBe(0);
  expect(counts.repairs).toBeGreaterThan(0);
}, 180_000);

const newCounts = () => ({ closed: 0, right: 0, absent: 0, error: 0, anew: 0 });

/** @returns what could not be read, and by which view; `store` when it could not be opened, or has other damage */
async function readAll(
  root: string,
  { volume, objects }: { readonly volume: VolumeId; readonly objects: ReadonlyMap<string, Buffer> },
  counts: Record<Seen | 'closed', number>,
): Promise<ReadonlySet<string>> {
  let core: Core;
  try {
    core = await open(root);
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^(Corrupt|Failed)$/) });
    counts.closed += 1;
    return new Set([
      'store',
      ...[...objects.keys()].flatMap((key) => [`byObjects ${key}`, `byFiles ${key}`]),
    ]);
  }
  const amiss = new Set<string>();
  try {
    for (const [key, bytes] of objects) {
      const at = { volume, key: Buffer.from(key) };
      for (const view of [byObjects, byFiles]) {
        const what = await view(core, at, bytes).catch(seen);
        counts[what] += 1;
        if (what !== 'right') amiss.add(`${view.name} ${key}`);
      }
    }
    const report = await core.scrub({ bytesPerSecond: Number.POSITIVE_INFINITY });
    if (report.damagedRecordCount > 0) amiss.add('store');
  } finally {
    await core.close().catch((error: unknown) => {
      expect(error).toMatchObject({ code: expect.stringMatching(/^(Corrupt|Failed)$/) });
    });
  }
  return amiss;
}
