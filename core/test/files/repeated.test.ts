import { afterEach, describe, expect, it } from 'vitest';
import { forgetCalls } from '../../src/calls/forget.ts';
import { CommandRunner } from '../../src/commands/command.ts';
import { Files } from '../../src/files/view.ts';
import { timestamp } from '../../src/ids.ts';
import { FsError, type FsErrorCode } from '../../src/index.ts';
import { SPACE, spaceBounds } from '../../src/meta/keys.ts';
import { decodeCall } from '../../src/meta/records/call.ts';
import { Room } from '../../src/space/room.ts';
import { ENGINES, ROOT, ref, Yard } from './yard.ts';

let yard: Yard;
afterEach(() => yard.close());

let xid = 0;
function nextCall(client = '10.0.0.1') {
  xid += 1;
  return { client, xid, checksum: 0xabcd_0000 + xid };
}

const at = (name: string) => ({ caller: ROOT, parent: yard.root, name: Buffer.from(name) });
const ref2 = (name: string) => ({ parent: yard.root, name: Buffer.from(name) });
const GUARDED = { kind: 'guarded', attributes: {} } as const;

async function refusal(promise: Promise<unknown>): Promise<FsError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof FsError)) throw error;
  return error;
}

const codeOf = async (promise: Promise<unknown>): Promise<FsErrorCode> => (await refusal(promise)).code;

/** The same store as a process sees it that has just started: it remembers no refusal. */
function afterRestart(how: { readonly full?: true } = {}): Files {
  const environment = {
    now: () => timestamp(9_000_000_000n),
    randomBytes: (count: number) => Buffer.alloc(count, 7),
  };
  const commands = new CommandRunner(yard.engine, environment);
  if (how.full) {
    const timer = { after: () => ({ cancel: () => undefined }) };
    const room = new Room({ engine: yard.engine, timer });
    room.met();
    commands.heed(room);
  }
  // None of the calls here moves bytes.
  const services: Pick<ConstructorParameters<typeof Files>[0], 'commands'> = { commands };
  return new Files(services as ConstructorParameters<typeof Files>[0]);
}

const remembered = async () =>
  (await yard.engine.read((tx) => tx.range({ ...spaceBounds(SPACE.call), limit: 100_000 }))).map(
    ({ value }) => decodeCall(value),
  );

describe.each(ENGINES)('a call that is repeated, on %s', (engine) => {
  it('takes no new room on a full disk where it may be done twice, and gives none back', async () => {
    yard = await Yard.open(engine);
    const { file } = await yard.files.create({ ...at('file'), how: GUARDED, call: nextCall() });
    const full = afterRestart({ full: true });
    for (let host = 0; host < 5; host += 1) {
      const call = nextCall(`10.1.0.${host}`);
      await full.setattr({ caller: ROOT, file, changes: { mode: 0o600 + host }, call });
    }
    expect(await remembered()).toHaveLength(1);
    const removal = nextCall('10.1.0.0');
    await full.remove({ ...at('file'), call: removal });
    await full.remove({ ...at('file'), call: removal });
    expect(await remembered()).toHaveLength(2);
  });

  it('undoes no later one on a full disk, though there is no room to remember it for good', async () => {
    yard = await Yard.open(engine);
    const file = await yard.touch(yard.root, 'file');
    const full = afterRestart({ full: true });
    const first = { caller: ROOT, file, changes: { mode: 0o600, uid: 7 }, call: nextCall('10.1.0.1') };
    const second = { caller: ROOT, file, changes: { mode: 0o644 }, call: nextCall('10.1.0.2') };
    await full.setattr(first);
    const { after } = await full.setattr(second);
    expect(await full.setattr(first)).toEqual({ before: after, after });
    expect(await yard.stat(file)).toMatchObject({ mode: 0o644, uid: 7 });
    expect(await remembered()).toEqual([]);
  });

  it('is another one where the client counts anew, and has used its number for something else since', async () => {
    yard = await Yard.open(engine);
    const file = await yard.touch(yard.root, 'file');
    const first = { caller: ROOT, file, changes: { mode: 0o600 }, call: nextCall() };
    const refused = { ...at('file'), how: GUARDED, call: nextCall() };
    await yard.files.setattr(first);
    expect(await codeOf(yard.files.create(refused))).toBe('Exists');
    // The host boots, and does other things with the same numbers.
    const again = (call: typeof first.call) => ({ ...call, checksum: call.checksum + 1000 });
    await yard.files.setattr({ ...first, changes: { mode: 0o644 }, call: again(first.call) });
    await yard.files.remove({ ...at('file'), call: again(refused.call) });
    await yard.files.create(refused);
    const { file: made } = await yard.files.lookup(at('file'));
    expect(made?.mode).toBeDefined();
    const other = await yard.touch(yard.root, 'other');
    const set = { caller: ROOT, file: other, changes: { mode: 0o600 }, call: nextCall() };
    for (const mode of [0o600, 0o644, 0o600]) {
      const call = mode === 0o600 ? set.call : again(set.call);
      await yard.files.setattr({ ...set, changes: { mode }, call });
      expect(await yard.stat(other)).toMatchObject({ mode });
    }
  });

  it('is not done on a full disk where its repetition would be told that it was not', async () => {
    yard = await Yard.open(engine);
    const { file } = await yard.files.create({ ...at('file'), how: GUARDED, call: nextCall() });
    const { mode, ctime } = file;
    const args = { caller: ROOT, file: ref(file), changes: { mode: 0o600 }, ifCtime: ctime };
    const call = nextCall();
    const full = afterRestart({ full: true });
    for (const files of [full, full, afterRestart({ full: true })])
      expect(await codeOf(files.setattr({ ...args, call }))).toBe('NoSpace');
    expect((await yard.stat(ref(file))).mode).toBe(mode);
    // With room it is done, also if it was refused before; and again it is answered as it was, whatever room there is.
    const set = await full.setattr({
      caller: ROOT,
      file: ref(file),
      changes: { mode: 0o640 },
      call: nextCall(),
    });
    const later = { ...args, ifCtime: set.after.ctime, call };
    const done = await yard.files.setattr(later);
    for (const files of [full, afterRestart()])
      expect((await files.setattr(later)).after).toEqual(done.after);
    // Where there is a record to write over, it is remembered without new room.
    const next = { ...later, ifCtime: done.after.ctime, call: { ...call, xid: call.xid + 1024 } };
    const overwritten = await full.setattr(next);
    expect((await afterRestart({ full: true }).setattr(next)).after).toEqual(overwritten.after);
  });

  it('cuts a file once on a full disk, and not again what others have written since', async () => {
    yard = await Yard.open(engine);
    const file = await yard.touch(yard.root, 'file');
    await yard.write(file, 0, yard.some(3000));
    const full = afterRestart({ full: true });
    for (const [sizeBytes, how] of [
      [2000, {}],
      [100, { ifCtime: true }],
      [0, {}],
    ] as const) {
      const guard = 'ifCtime' in how ? { ifCtime: (await yard.stat(file)).ctime } : {};
      const cut = { caller: ROOT, file, changes: { sizeBytes }, ...guard, call: nextCall() };
      expect((await full.setattr(cut)).after.sizeBytes).toBe(sizeBytes);
      // There is room again.
      const written = await yard.write(file, sizeBytes, yard.some(2500));
      for (const files of [yard.files, full, afterRestart(), afterRestart({ full: true })])
        expect((await files.setattr(cut)).after).toEqual(written);
    }
    await yard.check();
  });

  it('is not done on a full disk where it cuts nothing off, and its repetition might', async () => {
    yard = await Yard.open(engine);
    const file = await yard.touch(yard.root, 'file');
    const { mtime } = await yard.write(file, 0, yard.some(100));
    const same = { caller: ROOT, file, changes: { sizeBytes: 100 }, call: nextCall() };
    for (const files of [afterRestart({ full: true }), afterRestart({ full: true })])
      expect(await codeOf(files.setattr(same))).toBe('NoSpace');
    expect(await yard.stat(file)).toMatchObject({ sizeBytes: 100, mtime });
    expect(await remembered()).toEqual([]);
    await yard.files.setattr(same);
    await yard.write(file, 100, yard.some(100));
    expect((await afterRestart({ full: true }).setattr(same)).after.sizeBytes).toBe(200);
  });

  it('finds what it made, also after a restart', async () => {
    yard = await Yard.open(engine);
    const device = { major: 1, minor: 3 };
    for (const make of [
      (files: Yard['files'], call = nextCall()) => files.create({ ...at('file'), how: GUARDED, call }),
      (files: Yard['files'], call = nextCall()) => files.mkdir({ ...at('dir'), attributes: {}, call }),
      (files: Yard['files'], call = nextCall()) =>
        files.symlink({ ...at('link'), target: Buffer.from('x'), attributes: {}, call }),
      (files: Yard['files'], call = nextCall()) =>
        files.mknod({ ...at('node'), type: 'block', device, attributes: {}, call }),
    ]) {
      const call = nextCall();
      const first = await make(yard.files, call);
      for (const files of [yard.files, afterRestart()]) {
        const again = await make(files, call);
        expect(again.file).toEqual(first.file);
        expect(again.made).toBe(true);
        expect(again.parent).toEqual({ before: first.parent.after, after: first.parent.after });
      }
      // Another call is another call, with the same number or from another client.
      expect(await codeOf(make(yard.files, { ...call, checksum: 1 }))).toBe('Exists');
      expect(await codeOf(make(yard.files, { ...call, client: '10.0.0.2' }))).toBe('Exists');
    }
    await yard.check();
  });

  it('is not done again when what it did was undone', async () => {
    yard = await Yard.open(engine);
    await yard.touch(yard.root, 'file');
    const [removal, renaming] = [nextCall(), nextCall()];
    await yard.files.remove({ ...at('file'), call: removal });
    const second = await yard.touch(yard.root, 'file');
    await afterRestart().remove({ ...at('file'), call: removal });
    expect(await yard.find(yard.root, 'file')).toMatchObject({ inode: second.inode });
    await yard.files.rename({ caller: ROOT, from: ref2('file'), to: ref2('moved'), call: renaming });
    const third = await yard.touch(yard.root, 'file');
    const again = await afterRestart().rename({
      caller: ROOT,
      from: ref2('file'),
      to: ref2('moved'),
      call: renaming,
    });
    expect(again.from.before).toEqual(again.from.after);
    expect(await yard.find(yard.root, 'file')).toMatchObject({ inode: third.inode });
    expect(await yard.find(yard.root, 'moved')).toMatchObject({ inode: second.inode });
    await yard.check();
  });

  it('removes a directory, links, and sets guarded attributes once', async () => {
    yard = await Yard.open(engine);
    const { files } = yard;
    await yard.mkdir(yard.root, 'dir');
    const [rmdir, link, setattr] = [nextCall(), nextCall(), nextCall()];
    await files.rmdir({ ...at('dir'), call: rmdir });
    await yard.mkdir(yard.root, 'dir');
    await afterRestart().rmdir({ ...at('dir'), call: rmdir });
    expect(await yard.find(yard.root, 'dir')).toBeDefined();
    const file = await yard.touch(yard.root, 'file');
    await files.link({ ...at('name'), file, call: link });
    const linked = await afterRestart().link({ ...at('name'), file, call: link });
    expect(linked.file.after.nlink).toBe(2);
    const ifCtime = (await yard.stat(file)).ctime;
    const args = { caller: ROOT, file, changes: { mode: 0o600 }, ifCtime, call: setattr };
    const set = await files.setattr(args);
    expect((await afterRestart().setattr(args)).after).toEqual(set.after);
    expect(await codeOf(files.setattr({ ...args, call: nextCall() }))).toBe('NotSynchronised');
  });

  it('that was refused is refused again, though by now it could be done', async () => {
    yard = await Yard.open(engine);
    const call = nextCall();
    expect(await codeOf(yard.files.remove({ ...at('late'), call }))).toBe('NoEntry');
    const late = await yard.touch(yard.root, 'late');
    expect(await codeOf(yard.files.remove({ ...at('late'), call }))).toBe('NoEntry');
    expect(await yard.find(yard.root, 'late')).toMatchObject({ inode: late.inode });
    expect(await remembered()).toEqual([]);
  });

  it('whose file is gone meanwhile is told so', async () => {
    yard = await Yard.open(engine);
    const call = nextCall();
    await yard.files.create({ ...at('file'), how: GUARDED, call });
    await yard.files.remove(at('file'));
    expect(await codeOf(yard.files.create({ ...at('file'), how: GUARDED, call }))).toBe('Stale');
    expect(await yard.find(yard.root, 'file')).toBe(undefined);
  });

  it('while the first is under way is answered as the first is', async () => {
    yard = await Yard.open(engine);
    const call = nextCall();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => yard.files.create({ ...at('file'), how: GUARDED, call })),
    );
    expect(new Set(answers.map(({ file }) => file.inode)).size).toBe(1);
    expect(await yard.names(yard.root)).toEqual(['file']);
  });

  it('is remembered among the last thousand of its client', async () => {
    yard = await Yard.open(engine);
    const first = nextCall('fd00::1');
    await yard.files.mkdir({ ...at('d0'), attributes: {}, call: first });
    const later = (more: number) => ({ ...first, xid: first.xid + more });
    await yard.files.mkdir({ ...at('d1'), attributes: {}, call: later(1023) });
    await yard.files.mkdir({ ...at('d0'), attributes: {}, call: first });
    await yard.files.mkdir({ ...at('d2'), attributes: {}, call: later(1024) });
    expect(await codeOf(yard.files.mkdir({ ...at('d0'), attributes: {}, call: first }))).toBe('Exists');
    expect((await remembered()).map((call) => call.xid)).toEqual(
      [later(1023).xid, later(1024).xid].toSorted(),
    );
    await yard.check();
  });

  it('is forgotten after a day', async () => {
    yard = await Yard.open(engine);
    for (let count = 0; count < 600; count += 1) {
      await yard.files.mkdir({ ...at(`d${count}`), attributes: {}, call: nextCall() });
    }
    const forget = async (nowNs: bigint) => {
      const environment = {
        now: () => timestamp(nowNs),
        randomBytes: (count: number) => Buffer.alloc(count),
      };
      const commands = new CommandRunner(yard.engine, environment);
      let at: { readonly next?: Uint8Array } = await commands.run(forgetCalls, {});
      while (at.next) at = await commands.run(forgetCalls, { from: at.next });
    };
    const DAY_NS = 86_400_000_000_000n;
    const calls = (await remembered()).map(({ answered }) => answered).toSorted((a, b) => (a < b ? -1 : 1));
    expect(calls.length).toBe(600);
    await forget((calls[549] ?? 0n) + DAY_NS);
    expect((await remembered()).length).toBe(50);
  });
});

describe('a refusal', () => {
  it('tells what the files it is about look like', async () => {
    yard = await Yard.open('memory');
    const { files } = yard;
    const dir = await yard.mkdir(yard.root, 'dir');
    const file = await yard.touch(yard.root, 'file');
    const [root, inner] = [await yard.stat(yard.root), await yard.stat(dir)];
    expect((await refusal(files.remove(at('none')))).seen).toEqual({ parent: root });
    expect((await refusal(files.rmdir({ ...at('x'), parent: dir }))).seen).toEqual({ parent: inner });
    const move = { caller: ROOT, from: ref2('none'), to: { parent: dir, name: Buffer.from('x') } };
    expect((await refusal(files.rename(move))).seen).toEqual({ parent: root, target: inner });
    expect((await refusal(files.link({ ...at('dir'), file }))).seen).toEqual({
      file: await yard.stat(file),
      parent: root,
    });
    expect((await refusal(files.lookup({ ...at('x'), parent: file }))).seen.parent?.inode).toBe(file.inode);
    const nobody = { uid: 5, gid: 5, groups: [] };
    const read = files.read({
      caller: nobody,
      file: await yard.touch(dir, 'x', 0o600),
      offset: 0,
      lengthBytes: 1,
    });
    expect((await refusal(read)).seen.file?.mode).toBe(0o600);
  });

  it('tells nothing of what is gone', async () => {
    yard = await Yard.open('memory');
    const dir = await yard.mkdir(yard.root, 'dir');
    await yard.files.rmdir(at('dir'));
    const gone = await refusal(yard.files.mkdir({ ...at('x'), parent: dir, attributes: {} }));
    expect({ code: gone.code, seen: gone.seen }).toEqual({ code: 'Stale', seen: {} });
  });
});

describe('an exclusive create', () => {
  it('finds its file by the verifier, and no other call does', async () => {
    yard = await Yard.open('memory');
    const exclusive = (text: string) =>
      ({ ...at('file'), how: { kind: 'exclusive', verifier: Buffer.from(text) } }) as const;
    const first = await yard.files.create(exclusive('verifier'));
    const again = await yard.files.create(exclusive('verifier'));
    expect([first.made, again.made, again.file.inode]).toEqual([true, false, first.file.inode]);
    expect(await codeOf(yard.files.create(exclusive('verifies')))).toBe('Exists');
    // A change of attributes, which is what follows, and of the bytes leaves it.
    const file = ref(first.file);
    await yard.files.setattr({ caller: ROOT, file, changes: { mode: 0o640 } });
    await yard.put('file', Buffer.from('from the other door'));
    expect((await yard.files.create(exclusive('verifier'))).file.inode).toBe(file.inode);
    await yard.rename([yard.root, 'file'], [yard.root, 'other']);
    expect((await yard.files.create(exclusive('verifier'))).made).toBe(true);
  });
});
