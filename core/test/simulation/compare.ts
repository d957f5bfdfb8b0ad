/** A whole store beside what it should hold. */

import { MemoryEngine, type MemoryState } from '@facet/engine';
import { checkContents } from '../../src/fsck/contents.ts';
import { checkDirectories } from '../../src/fsck/directories.ts';
import { checkInodes } from '../../src/fsck/inodes.ts';
import { checkQueue, checkUploads } from '../../src/fsck/queue.ts';
import { checkReferences } from '../../src/fsck/references.ts';
import { Maxima, MetadataReader, type Report } from '../../src/fsck/store.ts';
import { checkCalls, checkKeys, checkLeases, checkVolumes } from '../../src/fsck/volumes.ts';
import { type Core, type FileRef, type Finding, fsck, type VolumeId } from '../../src/index.ts';
import { attributes, mustBe } from './actors/files.ts';
import { mustSay } from './actors/objects.ts';
import { ROOT } from './actors/surroundings.ts';
import { modelLine, modelParts, toldLine, toldParts } from './actors/uploads.ts';
import { Broken } from './invariants.ts';
import { type Model, sortName } from './model.ts';
import type { Replay } from './replay.ts';
import type { World } from './world.ts';

/** Everything, through both views, byte by byte; and what the metadata promises of itself. */
export async function compare(core: Core, world: World, replay: Replay): Promise<void> {
  await core.collector.drain();
  const { volumes } = await core.volumes.list({ limit: 1000 });
  const ids = volumes.map(({ id }) => id);
  if (ids.toSorted().join() !== replay.volumes.toSorted().join())
    throw new Broken(
      'commitsAreKept',
      `the store has volumes ${ids.join()}, the model ${replay.volumes.join()}`,
    );
  for (const volume of ids) {
    const model = replay.model(volume);
    await compareObjects(core, volume, model);
    await compareUploads(core, volume, replay);
    await compareFiles(core, await core.files.root({ volume }), model);
    const usage = await core.volumes.usage(volume);
    if (JSON.stringify(usage) !== JSON.stringify(model.usage())) {
      throw new Broken(
        'usageIsCounted',
        `usage is ${JSON.stringify(usage)}, of the model ${JSON.stringify(model.usage())}`,
      );
    }
  }
  const findings: Finding[] = [];
  const { engine, extents } = world;
  await fsck({ engine, extents, full: true, onFinding: (finding) => findings.push(finding) });
  mustFindNone('fsck found', findings);
}

function mustFindNone(when: string, findings: readonly Finding[]): void {
  if (findings.length === 0) return;
  const kinds = new Set(findings.map(({ kind }) => kind));
  throw new Broken([...kinds], `${when} ${JSON.stringify(findings)}`);
}

async function compareObjects(core: Core, volume: VolumeId, model: Model): Promise<void> {
  const expected = model.objects();
  const listing = { volume, prefix: Buffer.alloc(0), delimiter: Buffer.alloc(0), limit: 10_000 };
  const { entries } = await core.objects.list(listing);
  const listed = entries.map((entry) => (entry.kind === 'object' ? entry.key.toString('latin1') : ''));
  if (listed.join('\n') !== [...expected.keys()].join('\n')) {
    throw new Broken(
      'commitsAreKept',
      `the store lists ${listed.join(' ')}, the model ${[...expected.keys()].join(' ')}`,
    );
  }
  for (const [name, node] of expected) {
    const key = Buffer.from(name, 'latin1');
    const object = await core.objects.open({ volume, key });
    const chunks: Buffer[] = [];
    for await (const chunk of object.read()) chunks.push(chunk);
    object.close();
    if (!Buffer.concat(chunks).equals(node.bytes))
      throw new Broken('commitsAreKept', `${name} holds other bytes than the model`);
    mustSay(name, node, object.info);
    const tags = JSON.stringify(await core.objects.getTags({ volume, key }));
    if (tags !== node.said.tags)
      throw new Broken('commitsAreKept', `${name} has tags ${tags}, of the model ${node.said.tags}`);
  }
}

async function compareUploads({ objects }: Core, volume: VolumeId, replay: Replay): Promise<void> {
  const expected = replay.uploads(volume) ?? [];
  const listing = { volume, prefix: Buffer.alloc(0), delimiter: Buffer.alloc(0), limit: 10_000 };
  const { entries } = await objects.listUploads(listing);
  const listed = entries.map((entry) => (entry.kind === 'upload' ? toldLine(entry) : ''));
  if (listed.join('\n') !== expected.map(modelLine).join('\n'))
    throw new Broken(
      'commitsAreKept',
      `the store has uploads ${listed.join(' ')}, the model ${expected.map(modelLine).join(' ')}`,
    );
  for (const upload of expected) {
    const { parts } = await objects.listParts({ ...upload, afterPartNumber: 0, limit: 1000 });
    if (toldParts(parts) !== modelParts(upload))
      throw new Broken(
        'commitsAreKept',
        `upload ${upload.upload} has parts ${toldParts(parts)}, of the model ${modelParts(upload)}`,
      );
  }
}

/** From a directory down, hidden names and those that are no keys among them. */
async function compareFiles({ files }: Core, root: FileRef, model: Model): Promise<void> {
  const directories: FileRef[] = [root];
  for (let directory = directories.pop(); directory; directory = directories.pop()) {
    const expected = model.node(directory.inode).entries;
    const asked = { caller: ROOT, directory, after: 2, limit: 4096, attributes: true };
    const { entries } = await files.readdir(asked);
    const told = entries.map((entry) =>
      sortName({ name: entry.name, directory: entry.type === 'directory' }),
    );
    if (told.toSorted().join('\n') !== [...expected.keys()].toSorted().join('\n'))
      throw new Broken(
        'commitsAreKept',
        `directory ${directory.inode} has ${told.join()}, of the model ${[...expected.keys()].join()}`,
      );
    for (const entry of entries) {
      mustBe(`${entry.name}`, attributes(model.node(entry.inode)), entry.attributes);
      if (entry.attributes?.type === 'directory') directories.push(entry.attributes);
    }
  }
}

/** What the metadata promises of itself, at one moment while all goes on. */
export async function inspect(state: MemoryState): Promise<void> {
  const findings: Finding[] = [];
  const report: Report = (kind, { what, where }, detail) => void findings.push({ kind, what, where, detail });
  const store = new MetadataReader(new MemoryEngine({ state }));
  const common = { store, maxima: new Maxima(), report };
  const layers = await checkVolumes(common);
  const inspection = { ...common, layers, isDamaged: () => false };
  await checkKeys(inspection);
  await checkCalls(inspection);
  await checkLeases(inspection);
  for (const volume of layers.values()) {
    await checkDirectories(inspection, volume);
    await checkInodes(inspection, volume);
  }
  const waiting = await checkQueue(inspection);
  await checkUploads(inspection, waiting);
  await checkContents(inspection, waiting);
  await checkReferences(inspection);
  mustFindNone('at one moment fsck would find', findings);
}
