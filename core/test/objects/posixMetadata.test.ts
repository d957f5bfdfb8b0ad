import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import {
  type AttributeChanges,
  type FileAttributes,
  type ObjectInfo,
  type PutObjectArgs,
  timestamp,
} from '../../src/index.ts';
import { givenAttributes } from '../../src/objects/posixMetadata.ts';
import { openRig, type Rig } from '../rig.ts';

const ROOT = { uid: 0, gid: 0, groups: [] };
const GIVEN = {
  'file-owner': '1000',
  'file-group': '100',
  'file-permissions': '0100640',
  'file-mtime': '1595002920000000007ns',
};
const HELD = { uid: 1000, gid: 100, mode: 0o640, mtime: 1595002920000000007n };

describe('what a value says', () => {
  const given = (name: string, value: string, type: 'file' | 'directory' = 'file') =>
    givenAttributes({ [name]: value }, type);

  test.each([
    ['file-owner', '0', { uid: 0 }],
    ['file-owner', '4294967294', { uid: 4294967294 }],
    ['file-group', '007', { gid: 7 }],
    ['file-permissions', '644', { mode: 0o644 }],
    ['file-permissions', '0644', { mode: 0o644 }],
    ['file-permissions', '100644', { mode: 0o644 }],
    ['file-permissions', '0101777', { mode: 0o1777 }],
    ['file-permissions', '0106755', { mode: 0o755 }],
    ['file-mtime', '0ns', { mtime: 0n }],
    ['file-mtime', '18446744073709551615ns', { mtime: 2n ** 64n - 1n }],
  ])('%s %s', (name, value, attributes) => expect(given(name, value)).toEqual(attributes));

  test.each([
    ['file-owner', 'alice'],
    ['file-owner', ''],
    ['file-owner', '-1'],
    ['file-owner', '1e3'],
    ['file-owner', ' 5'],
    ['file-owner', '4294967295'],
    ['file-group', '99999999999'],
    ['file-permissions', 'rw-r--r--'],
    ['file-permissions', '0888'],
    ['file-permissions', '040755'],
    ['file-permissions', '0120777'],
    ['file-permissions', '0300644'],
    ['file-permissions', '00100644'],
    ['file-mtime', '1595002920'],
    ['file-mtime', '-1ns'],
    ['file-mtime', '18446744073709551616ns'],
    ['file-mtime', '1595002920.5ns'],
  ])('%s %s: nothing', (name, value) => expect(given(name, value)).toEqual({}));

  test('a type must be that of the file', () => {
    expect(given('file-permissions', '0040755', 'directory')).toEqual({ mode: 0o755 });
    expect(given('file-permissions', '0100755', 'directory')).toEqual({});
  });
});

describe('attributes as metadata', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await openRig('memory');
  });
  afterEach(() => rig.close());

  const at = (key: string) => ({ volume: rig.volume, key: Buffer.from(key) });
  async function put(key: string, userMetadata: PutObjectArgs['userMetadata'], bytes = 'bytes') {
    const { objects } = rig.core;
    const writer = objects.stage({});
    await writer.write(Buffer.from(bytes));
    const body = await writer.finish();
    const etag = { digest: createHash('md5').update(bytes).digest(), parts: 0 };
    return objects.put({ ...at(key), body, etag, properties: {}, userMetadata });
  }
  const head = (key: string): Promise<ObjectInfo> => rig.core.objects.head(at(key));
  const told = async (key: string) => (await head(key)).userMetadata;
  async function stat(path: string): Promise<FileAttributes> {
    let file = await rig.core.files.root({ volume: rig.volume });
    for (const name of path.split('/').filter(Boolean)) {
      const found = await rig.core.files.lookup({ parent: file, name: Buffer.from(name), caller: ROOT });
      if (!found.file) throw new Error(`${path} is not there`);
      file = found.file;
    }
    return file;
  }
  const setattr = async (path: string, changes: AttributeChanges) =>
    rig.core.files.setattr({ caller: ROOT, file: await stat(path), changes });

  it('are taken from a PUT, over a file that is there too, and told as they were written', async () => {
    const { lastModified } = await put('new', GIVEN);
    expect(lastModified).toBe(HELD.mtime);
    expect(await stat('new')).toMatchObject(HELD);
    expect(await told('new')).toEqual(GIVEN);
    expect((await head('new')).lastModified).toBe(HELD.mtime);
    await put('old', {});
    const { inode, mode } = await stat('old');
    await put('old', { 'file-owner': '7', colour: 'blue' });
    expect(await stat('old')).toMatchObject({ inode, mode, uid: 7, gid: 65534 });
    expect(await told('old')).toEqual({ 'file-owner': '7', colour: 'blue' });
    // Without them a PUT leaves owner and mode as they are, and its time is now.
    await put('new', {});
    const after = await stat('new');
    expect(after).toMatchObject({ uid: 1000, gid: 100, mode: 0o640 });
    expect(after.mtime).toBeGreaterThan(HELD.mtime);
    expect(await told('new')).toEqual({});
  });

  it('follow what files say by then', async () => {
    await put('file', { ...GIVEN, colour: 'blue' });
    await setattr('file', { uid: 5 });
    await setattr('file', { mode: 0o4755 });
    expect(await told('file')).toEqual({
      ...GIVEN,
      colour: 'blue',
      'file-owner': '5',
      'file-permissions': '0104755',
    });
    await setattr('file', { mtime: { kind: 'client', time: timestamp(12n) }, gid: 6 });
    expect(await told('file')).toMatchObject({ 'file-group': '6', 'file-mtime': '12ns', colour: 'blue' });
  });

  it('that nobody can read are metadata like any other', async () => {
    const odd = { 'file-owner': 'alice', 'file-permissions': 'rw', 'file-mtime': '5', 'file-group': '' };
    await put('file', odd);
    expect(await told('file')).toEqual(odd);
    expect(await stat('file')).toMatchObject({ uid: 65534, gid: 65534, mode: 0o666 });
  });

  it('give no set-id bits', async () => {
    await put('file', { 'file-owner': '0', 'file-permissions': '0106777' });
    expect(await stat('file')).toMatchObject({ uid: 0, mode: 0o777 });
    expect(await told('file')).toEqual({ 'file-owner': '0', 'file-permissions': '0100777' });
  });

  it('take the set-id bits of a file that they give away', async () => {
    await put('file', {});
    await setattr('file', { uid: 1000, gid: 1000 });
    await setattr('file', { mode: 0o6755 });
    const replaced = (userMetadata: Record<string, string>) =>
      rig.core.objects.copy({
        source: at('file'),
        target: at('file'),
        attributes: { properties: {}, userMetadata },
      });
    await replaced({ colour: 'blue' });
    expect(await stat('file')).toMatchObject({ uid: 1000, mode: 0o6755 });
    await replaced({ 'file-owner': '0', 'file-group': '0' });
    expect(await stat('file')).toMatchObject({ uid: 0, gid: 0, mode: 0o755 });
  });

  it('of a symlink are replaced by a copy onto itself, which leaves it one', async () => {
    const { files, objects } = rig.core;
    const parent = await files.root({ volume: rig.volume });
    const target = Buffer.from('target');
    const { file } = await files.symlink({
      caller: ROOT,
      parent,
      name: Buffer.from('l1'),
      target,
      attributes: {},
    });
    await files.link({ caller: ROOT, file, parent, name: Buffer.from('l2') });
    const attributes = { properties: {}, userMetadata: { colour: 'blue', 'file-owner': '7' } };
    for (const [from, to] of [
      ['l1', 'l1'],
      ['l1', 'l2'],
    ] as const) {
      await objects.copy({ source: at(from), target: at(to), attributes });
    }
    for (const key of ['l1', 'l2']) {
      expect(await stat(key)).toMatchObject({ inode: file.inode, type: 'symlink', uid: 7, nlink: 2 });
      expect(await told(key)).toMatchObject({ colour: 'blue', 'file-permissions': '0120777' });
      const opened = await objects.open(at(key));
      const pieces: Buffer[] = [];
      for await (const piece of opened.read()) pieces.push(Buffer.from(piece));
      opened.close();
      expect(Buffer.concat(pieces).toString()).toBe('target');
    }
    expect(await files.readlink({ caller: ROOT, file })).toMatchObject({ target });
  });

  it('of a directory are its own', async () => {
    await put('dir/', { ...GIVEN, 'file-permissions': '0040750' }, '');
    expect(await stat('dir')).toMatchObject({ ...HELD, mode: 0o750 });
    expect(await told('dir/')).toEqual({ ...GIVEN, 'file-permissions': '0040750' });
    await put('dir/below', {});
    expect(await told('dir/')).toMatchObject({ 'file-owner': '1000', 'file-permissions': '0040750' });
    expect((await told('dir/'))['file-mtime']).toBe(`${(await stat('dir')).mtime}ns`);
  });

  it('go with a copy, as they are by then', async () => {
    await put('source', { ...GIVEN, colour: 'blue' });
    await setattr('source', { uid: 5 });
    await rig.core.objects.copy({ source: at('source'), target: at('copy') });
    expect(await stat('copy')).toMatchObject({ ...HELD, uid: 5 });
    expect(await told('copy')).toEqual({ ...GIVEN, colour: 'blue', 'file-owner': '5' });
    const attributes = { properties: {}, userMetadata: { 'file-group': '9' } };
    await rig.core.objects.copy({ source: at('source'), target: at('replaced'), attributes });
    expect(await stat('replaced')).toMatchObject({ uid: 65534, gid: 9, mode: 0o666 });
    await rig.core.objects.copy({ source: at('source'), target: at('source'), attributes });
    expect(await stat('source')).toMatchObject({ uid: 5, gid: 9 });
  });

  it('of an upload are taken when it completes', async () => {
    const { objects } = rig.core;
    const { upload } = await objects.createUpload({
      ...at('whole'),
      properties: {},
      userMetadata: GIVEN,
      initiator: 'me',
    });
    const writer = objects.stage({});
    await writer.write(Buffer.from('part'));
    const md5 = createHash('md5').update('part').digest();
    await objects.putPart({ ...at('whole'), upload, partNumber: 1, body: await writer.finish(), md5 });
    const { lastModified } = await objects.completeUpload({
      ...at('whole'),
      upload,
      parts: [{ partNumber: 1, etag: md5.toString('hex') }],
      combine: () => ({ etag: { digest: md5, parts: 1 } }),
    });
    expect(lastModified).toBe(HELD.mtime);
    expect(await stat('whole')).toMatchObject(HELD);
  });

  it('are told of everything where the volume is set so', async () => {
    await put('plain', { colour: 'blue' });
    await put('odd', { 'file-owner': 'alice' });
    await put('dir/', {}, '');
    expect(await told('plain')).toEqual({ colour: 'blue' });
    await rig.core.volumes.setSettings(rig.volume, { posixMetadata: true });
    const all = async (path: string) => {
      const { uid, gid, mtime } = await stat(path);
      return { 'file-owner': `${uid}`, 'file-group': `${gid}`, 'file-mtime': `${mtime}ns` };
    };
    expect(await told('plain')).toEqual({
      ...(await all('plain')),
      colour: 'blue',
      'file-permissions': '0100666',
    });
    expect(await told('odd')).toEqual({ ...(await all('odd')), 'file-permissions': '0100666' });
    expect(await told('dir/')).toEqual({ ...(await all('dir')), 'file-permissions': '0040777' });
    await rig.core.volumes.setExport(rig.volume, { defaults: { uid: 3 } });
    expect((await rig.core.volumes.find('bucket'))?.posixMetadata).toBe(true);
    await rig.core.volumes.setSettings(rig.volume, { posixMetadata: false });
    expect(await told('plain')).toEqual({ colour: 'blue' });
    expect(await told('odd')).toEqual({ 'file-owner': 'alice' });
  });

  it('tell what a link or a special file is, and a copy of it is a file', async () => {
    const parent = await rig.core.files.root({ volume: rig.volume });
    const name = Buffer.from('link');
    const target = Buffer.from('elsewhere');
    await rig.core.files.symlink({ caller: ROOT, parent, name, target, attributes: {} });
    expect(await told('link')).toMatchObject({ 'file-owner': '0', 'file-permissions': '0120777' });
    await rig.core.objects.copy({ source: at('link'), target: at('copy') });
    expect(await told('copy')).toEqual({});
    expect(await stat('copy')).toMatchObject({ type: 'file', mode: 0o666 });
  });
});
