import { DamagedRecord } from '@facet/engine';
import { expect, it } from 'vitest';
import { fromEngine } from '../../src/commands/command.ts';
import { FsError } from '../../src/errors.ts';
import { inodeId, layerId, ROOT_INODE } from '../../src/ids.ts';
import { dentryKey, inodeKey, tagsKey, volumeNameKey } from '../../src/meta/keys.ts';
import { errorCodec } from '../../src/workers/errorCodec.ts';

const LAYER = layerId(1);

it.each([
  [inodeKey(LAYER, inodeId(5)), 'inode 5'],
  [tagsKey(LAYER, inodeId(5)), 'tags of inode 5'],
  [dentryKey(LAYER, ROOT_INODE, { name: Buffer.from('a'), directory: true }), 'dentry "a" of directory 1'],
  [volumeNameKey('photos'), 'volumeName'],
  [Buffer.of(0x12, 1), 'inode'],
])('damage of the metadata is told as that in another process, with what it is of (%#)', (key, what) => {
  const told = errorCodec.decode(errorCodec.encode(fromEngine(new DamagedRecord(key), 'listObjects')));
  const hex = Buffer.from(key).toString('hex');
  expect(told).toMatchObject({ code: 'Corrupt', isOfMetadata: true });
  expect(told.message).toContain(`listObjects: the metadata record ${hex} (${what}) is damaged`);
});

it('other damage is not', () => {
  const told = errorCodec.decode(errorCodec.encode(new FsError('Corrupt', 'a frame')));
  expect(told).toMatchObject({ code: 'Corrupt', isOfMetadata: false });
});
