import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AttributeChanges, type Caller, type FileRef, timestamp } from '../../src/index.ts';
import { ALICE, BOB, CAROL, ENGINES, ROOT, ref, refused, Yard } from './yard.ts';

describe.each(ENGINES)('setattr on the %s engine', (kind) => {
  let yard: Yard;
  let file: FileRef;
  beforeEach(async () => {
    yard = await Yard.open(kind);
    file = await yard.touch(yard.root, 'file', 0o644, ALICE);
  });
  afterEach(async () => {
    await yard.check();
    await yard.close();
  });
  const set = (caller: Caller, changes: AttributeChanges, on = file) =>
    yard.files.setattr({ caller, file: on, changes });
  const modeAfter = async (caller: Caller, changes: AttributeChanges, on = file) =>
    (await set(caller, changes, on)).after.mode.toString(8);

  it('sets mode, owner and times, and tells before and after', async () => {
    const time = timestamp(1_234_567_890_123_456_789n);
    const { before, after } = await set(ROOT, {
      mode: 0o600,
      uid: 5,
      gid: 6,
      atime: { kind: 'client', time },
      mtime: { kind: 'server' },
    });
    expect(before).toMatchObject({ mode: 0o644, uid: ALICE.uid, gid: ALICE.gid });
    expect(after).toMatchObject({ mode: 0o600, uid: 5, gid: 6, atime: time, mtime: after.ctime });
    expect(after.ctime).toBeGreaterThan(before.ctime);
    expect(after.change).toBe(before.change + 1);
    expect(await yard.stat(file)).toEqual(after);
  });

  it('changes nothing when nothing is asked for', async () => {
    const { before, after } = await set(CAROL, {});
    expect(after).toEqual(before);
  });

  it('is guarded by the ctime', async () => {
    const { ctime } = await yard.stat(file);
    const guarded = { caller: ALICE, file, changes: { mode: 0o600 }, ifCtime: ctime };
    await yard.files.setattr(guarded);
    await refused('NotSynchronised', yard.files.setattr(guarded));
  });

  it('sets times of a directory, which later changes move on', async () => {
    const directory = await yard.mkdir(yard.root, 'dir');
    const time = timestamp(77n);
    const { after } = await set(ROOT, { mtime: { kind: 'client', time } }, directory);
    expect(after.mtime).toBe(time);
    expect(after.ctime).toBeGreaterThan(time);
    await yard.touch(directory, 'x');
    const later = await yard.stat(directory);
    expect(later.mtime).toBe(later.ctime);
    expect(later.ctime).toBeGreaterThan(after.ctime);
    expect(later.change).toBeGreaterThan(after.change);
  });

  it('leaves mode and client’s times to the owner', async () => {
    const time = { kind: 'client', time: timestamp(5n) } as const;
    await set(ALICE, { mode: 0o666, mtime: time });
    // Writing suffices for the time of the moment, not for another.
    await set(CAROL, { mtime: { kind: 'server' } });
    await refused('NotPermitted', set(CAROL, { mtime: time }));
    await refused('NotPermitted', set(CAROL, { atime: time }));
    await refused('NotPermitted', set(CAROL, { mode: 0o777 }));
    await set(ALICE, { mode: 0o644 });
    await refused('AccessDenied', set(CAROL, { mtime: { kind: 'server' } }));
  });

  it('leaves giving away to root, and groups to their members', async () => {
    await refused('NotPermitted', set(ALICE, { uid: BOB.uid }));
    await set(ALICE, { uid: ALICE.uid });
    await set(ALICE, { gid: 200 });
    await refused('NotPermitted', set(ALICE, { gid: 300 }));
    await refused('NotPermitted', set(BOB, { gid: 100 }));
    await set(ROOT, { uid: BOB.uid, gid: 300 });
    // A group that the owner is not in may stay.
    await set(BOB, { gid: 300 });
  });

  it('lets only members and root make a file set-gid', async () => {
    expect(await modeAfter(ALICE, { mode: 0o2755 })).toBe('2755');
    await set(ROOT, { gid: 300 });
    expect(await modeAfter(ALICE, { mode: 0o6755 })).toBe('4755');
    expect(await modeAfter(ROOT, { mode: 0o6755 })).toBe('6755');
  });

  it('clears set-id bits when owner, group or bytes change', async () => {
    for (const changes of [{ uid: 9 }, { gid: 9 }, { uid: 9, mode: 0o6755 }]) {
      await set(ROOT, { mode: 0o6755 });
      expect(await modeAfter(ROOT, changes)).toBe('755');
      await set(ROOT, { uid: ALICE.uid, gid: ALICE.gid });
    }
    // Without group execution it is a mark for locking, not a set-gid bit.
    await set(ROOT, { mode: 0o6745 });
    expect(await modeAfter(ROOT, { uid: ALICE.uid })).toBe('2745');
    await set(ROOT, { mode: 0o6777 });
    await yard.write(file, 0, Buffer.from('x'), ROOT);
    expect((await yard.stat(file)).mode).toBe(0o6777);
    await yard.write(file, 0, Buffer.from('x'), CAROL);
    expect((await yard.stat(file)).mode).toBe(0o777);
    await set(ROOT, { mode: 0o6777 });
    await yard.truncate(file, 100, ALICE);
    expect((await yard.stat(file)).mode).toBe(0o777);
    const directory = await yard.mkdir(yard.root, 'dir', 0o2775);
    expect(await modeAfter(ROOT, { gid: 9 }, directory)).toBe('2775');
  });

  it('clears set-id bits when an object is put over the file', async () => {
    await set(ROOT, { mode: 0o6755 });
    await yard.put('file', Buffer.from('other bytes'));
    expect((await yard.stat(file)).mode).toBe(0o755);
    await set(ROOT, { mode: 0o4755 });
    await yard.put('source', Buffer.from('bytes'));
    await yard.copy('source', 'file');
    expect((await yard.stat(file)).mode).toBe(0o755);
    // A copy onto itself gives other metadata to the same bytes.
    await set(ROOT, { mode: 0o4755 });
    await yard.copy('file', 'file');
    expect((await yard.stat(file)).mode).toBe(0o4755);
  });

  it('hands on the group of a set-gid directory', async () => {
    const directory = await yard.mkdir(yard.root, 'dir', 0o2777);
    await set(ROOT, { gid: 777 }, directory);
    const made = (await yard.create(directory, 'file', 0o2755, ALICE)).file;
    expect(made).toMatchObject({ gid: 777, mode: 0o755 });
    const below = await yard.mkdir(directory, 'below', 0o755, ALICE);
    expect(await yard.stat(below)).toMatchObject({ gid: 777, mode: 0o2755 });
    const plain = (await yard.create(yard.root, 'plain', 0o2755, ALICE)).file;
    expect(plain).toMatchObject({ gid: 100, mode: 0o2755 });
  });

  it('gives what is made its caller’s owner, whatever a user asks for', async () => {
    const how = { kind: 'guarded', attributes: { uid: 5, gid: 300 } } as const;
    const at = { caller: ALICE, parent: yard.root, name: Buffer.from('made'), how };
    expect((await yard.files.create(at)).file).toMatchObject({ uid: ALICE.uid, gid: 100 });
    const member = { ...at, name: Buffer.from('member') };
    const joined = { kind: 'guarded', attributes: { gid: 200 } } as const;
    expect((await yard.files.create({ ...member, how: joined })).file.gid).toBe(200);
  });

  it('cuts and lengthens files only', async () => {
    const directory = await yard.mkdir(yard.root, 'dir');
    await refused('IsDirectory', yard.truncate(directory, 0));
    await refused('FileTooBig', yard.truncate(file, 2 ** 50 + 1));
    await refused('Invalid', yard.truncate(file, -1));
    await refused('AccessDenied', yard.truncate(file, 0, BOB));
    await yard.files.setattr({ caller: ALICE, file, changes: { mode: 0 } });
    expect(await yard.truncate(file, 2 ** 50, ALICE)).toMatchObject({ sizeBytes: 2 ** 50 });
    expect((await yard.read(file, 2 ** 50 - 3)).length).toBe(3);
  });

  it('refuses sizes whose sum no one could count', async () => {
    for (let index = 0; index < 7; index += 1) {
      await yard.truncate(await yard.touch(yard.root, `f${index}`), 2 ** 50);
    }
    await refused('NoSpace', yard.truncate(file, 2 ** 50));
    expect(await yard.stat(file)).toMatchObject({ sizeBytes: 0 });
  });

  it('keeps the times and version of data that is not touched', async () => {
    await yard.write(file, 0, Buffer.from('hello'));
    const before = await yard.objects.head(yard.object('file'));
    const { mtime } = await yard.stat(file);
    await set(ROOT, { mode: 0o600, uid: 3 });
    await yard.files.link({ caller: ROOT, file, parent: yard.root, name: Buffer.from('second') });
    await yard.rename([yard.root, 'file'], [yard.root, 'third']);
    const after = await yard.objects.head(yard.object('third'));
    expect(after.etag).toBe(before.etag);
    expect((await yard.stat(file)).mtime).toBe(mtime);
    // A size that stays marks the times and nothing else.
    expect((await yard.truncate(file, 5)).mtime).toBeGreaterThan(mtime);
    expect((await yard.objects.head(yard.object('third'))).etag).toBe(before.etag);
    await yard.read(ref(await yard.stat(file)));
    expect((await yard.stat(file)).atime).toBe((await yard.stat(file)).atime);
  });
});
