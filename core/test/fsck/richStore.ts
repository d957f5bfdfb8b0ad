/** A small store with one of everything in it, at rest, and with work pending in the queue of the collector. */

import { createHash } from 'node:crypto';
import { markBackup } from '../../src/backup/mark.ts';
import type { FileRef } from '../../src/files/types.ts';
import { Volumes } from '../../src/volumes/volumes.ts';
import { bytesFrom } from '../random.ts';
import { World } from '../space/world.ts';

/** Of more bytes than a file name may have. */
export const LONG_NAME = Buffer.from('long'.repeat(70));
const CALLER = { uid: 0, gid: 0, groups: [] };

export async function openRichStore(): Promise<World> {
  const world = await World.open({ seed: 7, segmentBytes: 1 << 20 });
  await fillByObjects(world);
  await fillByFiles(world);
  // The containers are sealed, and no lease covers them any more.
  await world.crash();
  await world.life.collector.drain();
  await leaveWorkPending(world);
  return world;
}

async function fillByObjects(world: World): Promise<void> {
  const { objects } = world.life;
  const random = world.random;
  await world.put('inline', bytesFrom(random, 100));
  await world.put('packed', bytesFrom(random, 50_000));
  await world.put('other', bytesFrom(random, 60_000));
  await world.put('even', bytesFrom(random, 20_000));
  await world.put('odd', bytesFrom(random, 20_000));
  await world.put('big', bytesFrom(random, 1_200_000));
  await world.put('gone', bytesFrom(random, 80_000));
  await world.put('going', bytesFrom(random, 70_000));
  await world.put('dir/x', bytesFrom(random, 4_000));
  await world.put('dir/', bytesFrom(random, 10));
  await world.put('large/', bytesFrom(random, 10_000));
  await world.put(`${LONG_NAME}`, bytesFrom(random, 20));
  await world.put(`${LONG_NAME}/below`, bytesFrom(random, 20));
  await world.put('twin', bytesFrom(random, 20));
  await world.put('twin/in/deep', bytesFrom(random, 30));
  await objects.copy({ source: world.at('big'), target: world.at('copy') });
  await objects.setTags({ ...world.at('packed'), tags: [{ key: 'colour', value: 'red' }] });
  const attributes = { properties: {}, userMetadata: {}, initiator: 'tester' };
  const open = await objects.createUpload({ ...world.at('open'), ...attributes });
  await putPart(world, { ...world.at('open'), upload: open.upload }, 1, bytesFrom(random, 30_000));
  await putPart(world, { ...world.at('open'), upload: open.upload }, 2, bytesFrom(random, 100));
  const joined = await objects.createUpload({ ...world.at('joined'), ...attributes });
  const ref = { ...world.at('joined'), upload: joined.upload };
  const copied = await objects.copyPart({
    ...ref,
    partNumber: 1,
    source: { ...world.at('big'), range: { start: 100, end: 1_100_000 } },
  });
  await objects.completeUpload({
    ...ref,
    parts: [{ partNumber: 1, etag: Buffer.from(copied.md5).toString('hex') }],
    combine: () => ({ etag: { digest: Buffer.alloc(16), parts: 1 } }),
  });
}

async function putPart(
  world: World,
  ref: Parameters<World['life']['objects']['getUpload']>[0],
  partNumber: number,
  bytes: Buffer,
) {
  const { objects } = world.life;
  const writer = objects.stage({ lengthBytes: bytes.length });
  await writer.write(bytes);
  const body = await writer.finish();
  return objects.putPart({ ...ref, partNumber, body, md5: createHash('md5').update(bytes).digest() });
}

async function fillByFiles(world: World): Promise<void> {
  await new Volumes(world.life).setExport(world.volume, { readOnly: true, clients: ['10.0.0.0/8'] });
  const { files } = world.life;
  const caller = CALLER;
  const parent: FileRef = await files.root({ volume: world.volume });
  const how = { kind: 'guarded', attributes: {} } as const;
  const call = { client: '127.0.0.1', xid: 0xfedcba98, checksum: 7 };
  const { file } = await files.create({ caller, parent, name: Buffer.from('file'), how, call });
  await files.write({ caller, file, offset: 0, data: [bytesFrom(world.random, 70_000)] });
  await files.write({ caller, file, offset: 10_000, data: [bytesFrom(world.random, 5_000)] });
  await files.link({ caller, file, parent, name: Buffer.from('linked') });
  // Of several extents: a single one needs no expanding.
  const leaving = await files.create({ caller, parent, name: Buffer.from('leaving'), how });
  await files.write({ caller, file: leaving.file, offset: 0, data: [bytesFrom(world.random, 90_000)] });
  await files.write({ caller, file: leaving.file, offset: 20_000, data: [bytesFrom(world.random, 5_000)] });
  const open = await files.create({ caller, parent, name: Buffer.from('open-file'), how });
  const [from, to] = ['open-file', '.nfs0001'].map((name) => ({ parent, name: Buffer.from(name) }));
  if (from && to) await files.rename({ caller, from, to, silly: true });
  await files.write({ caller, file: open.file, offset: 0, data: [bytesFrom(world.random, 500)] });
  await files.symlink({
    caller,
    parent,
    name: Buffer.from('symlink'),
    target: Buffer.from('file'),
    attributes: {},
  });
  const made = await files.mkdir({ caller, parent, name: Buffer.from('made'), attributes: {} });
  await files.mkdir({ caller, parent: made.file, name: Buffer.from('below'), attributes: {} });
}

/** A mark of backups, dead runs that were punched and not, runs that wait for a reader, and a content that waits to be expanded. */
async function leaveWorkPending(world: World): Promise<void> {
  const { collector, commands, pins } = world.life;
  const [repository, backup] = [Buffer.alloc(16, 1), Buffer.alloc(16, 2)];
  await commands.run(markBackup, { repository, newest: undefined, backup });
  await world.delete('gone');
  await collector.drain();
  pins.enter();
  await world.delete('going');
  await collector.drain();
  await world.delete('leaving');
}
