import { MemoryEngine } from '@facet/engine';
import { ExtentError, LocalExtentStore, MemoryDisk } from '@facet/extents';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Caller,
  type Core,
  type FileRef,
  openCore,
  type Recovered,
  systemEnvironment,
  type VolumeId,
} from '../../src/index.ts';
import { Room } from '../../src/space/room.ts';
import { type Random, randomFrom } from '../random.ts';

const ROOT: Caller = { uid: 0, gid: 0, groups: [] };
const LARGE = Buffer.alloc(5000, 'large');

/** A store whose disk is full when told so, but for what a reserve holds. */
class Yard {
  full = false;
  /** Commits that the reserve is good for, once released. */
  reserve: 'held' | number = 'held';
  spareBytes = 0;
  restores = 0;
  readonly told: boolean[] = [];
  readonly faults: unknown[] = [];
  readonly recovered: Recovered[] = [];
  readonly #disk: MemoryDisk;
  readonly #engine: MemoryEngine;
  #timers: (() => void)[] = [];
  core!: Core;
  volume!: VolumeId;

  constructor(random: Random) {
    this.#disk = new MemoryDisk({
      random,
      before: async ({ kind }) =>
        this.full && (kind === 'write' || kind === 'create') ? 'ENOSPC' : undefined,
    });
    this.#engine = new MemoryEngine({
      injectFull: () => this.#refusesCommit(),
      spareBytes: () => this.spareBytes,
    });
  }

  #refusesCommit(): boolean {
    if (!this.full || this.spareBytes > 0) return false;
    if (this.reserve === 'held' || this.reserve === 0) return true;
    this.reserve -= 1;
    return false;
  }

  async open(): Promise<Core> {
    this.core = await openCore({
      engine: this.#engine,
      openExtents: async (lease) => new LocalExtentStore({ disk: this.#disk.mount(), lease }),
      environment: systemEnvironment(),
      timer: {
        after: (_delayMs, run) => {
          this.#timers.push(run);
          return { cancel: () => undefined };
        },
      },
      reserve: {
        lengthBytes: 1000,
        release: async () => {
          if (this.reserve === 'held') this.reserve = 100;
        },
        restore: async () => {
          this.restores += 1;
          if (this.full) return this.reserve === 'held';
          this.reserve = 'held';
          return true;
        },
      },
      onRoom: ({ full }) => this.told.push(full),
      onRecovered: (recovered) => this.recovered.push(recovered),
      onFault: (fault) => this.faults.push(fault),
    });
    return this.core;
  }

  /** Lets every timer go off that waits now. */
  tick(): void {
    const due = this.#timers;
    this.#timers = [];
    for (const run of due) run();
  }

  async put(key: string, bytes: Buffer): Promise<unknown> {
    const writer = this.core.objects.stage({});
    try {
      await writer.write(bytes);
      const body = await writer.finish();
      const etag = { digest: Buffer.alloc(16), parts: 0 };
      const object = { volume: this.volume, key: Buffer.from(key) };
      return await this.core.objects.put({ ...object, body, etag, properties: {}, userMetadata: {} });
    } catch (error) {
      await writer.abort();
      throw error;
    }
  }

  delete(key: string): Promise<unknown> {
    return this.core.objects.delete({ volume: this.volume, key: Buffer.from(key) });
  }

  async parent(): Promise<FileRef> {
    return this.core.files.root({ volume: this.volume });
  }

  async file(name: string): Promise<FileRef> {
    const at = { caller: ROOT, parent: await this.parent(), name: Buffer.from(name), directory: false };
    const { file } = await this.core.files.lookup(at);
    if (!file) throw new Error(`there is no ${name}`);
    return file;
  }
}

let yard: Yard;
beforeEach(async () => {
  yard = new Yard(randomFrom(1));
  const core = await yard.open();
  await core.accounts.create({ name: 'tester' });
  yard.volume = (await core.volumes.create({ name: 'bucket', owner: 'tester' })).id;
  for (const key of ['a', 'b', 'c', 'd']) await yard.put(key, LARGE);
  await yard.put('small', Buffer.from('small'));
});
afterEach(async () => {
  yard.full = false;
  await yard.core.close();
  expect(yard.faults).toEqual([]);
});

const noSpace = { name: 'FsError', code: 'NoSpace' };

describe('on a full disk', () => {
  it('is told once, whoever meets it first', async () => {
    yard.full = true;
    await expect(yard.put('e', LARGE)).rejects.toMatchObject(noSpace);
    await expect(yard.put('f', Buffer.from('f'))).rejects.toMatchObject(noSpace);
    expect(yard.core.room.full).toBe(true);
    expect(yard.told).toEqual([true]);
  });

  it('a delete that meets it is done with the reserve, and so are others at once', async () => {
    yard.full = true;
    await Promise.all(['a', 'b', 'c', 'd', 'small'].map((key) => yard.delete(key)));
    expect(yard.told).toEqual([true]);
    const listing = { volume: yard.volume, prefix: Buffer.alloc(0), delimiter: Buffer.alloc(0), limit: 10 };
    expect((await yard.core.objects.list(listing)).entries).toEqual([]);
  });

  it('everything that gives room back works', async () => {
    const { core, volume } = yard;
    const parent = await yard.parent();
    const name = Buffer.from('made');
    await core.files.mkdir({ caller: ROOT, parent, name, attributes: {} });
    const upload = await core.objects.createUpload({
      volume,
      key: Buffer.from('parts'),
      properties: {},
      userMetadata: {},
      initiator: 'me',
    });
    const { id: other } = await core.volumes.create({ name: 'other', owner: 'tester' });
    yard.full = true;
    await core.files.rmdir({ caller: ROOT, parent, name, directory: true });
    await core.files.remove({ caller: ROOT, parent, name: Buffer.from('a'), directory: false });
    await core.files.setattr({ caller: ROOT, file: await yard.file('b'), changes: { sizeBytes: 10 } });
    await core.files.setattr({ caller: ROOT, file: await yard.file('b'), changes: { mode: 0o600 } });
    const from = { parent, name: Buffer.from('c'), directory: false };
    const to = { parent, name: Buffer.from('.nfs1') };
    await core.files.rename({ caller: ROOT, from, to, silly: true });
    await core.objects.abortUpload({ volume, key: upload.key, upload: upload.upload });
    await core.volumes.delete(other);
    await core.collector.drain();
    expect(await core.collector.backlog()).toEqual({ free: 0, reclaim: 0 });
    await core.lockHosts.forget({ address: '::1', name: 'host' });
    await core.lockHosts.nextState();
  });

  it('nothing is added', async () => {
    const { core, volume } = yard;
    yard.full = true;
    await yard.delete('a');
    const parent = await yard.parent();
    const at = { caller: ROOT, parent, name: Buffer.from('new') };
    const file = await yard.file('b');
    const key = Buffer.from('b');
    const added = [
      core.files.create({ ...at, how: { kind: 'guarded', attributes: {} } }),
      core.files.mkdir({ ...at, attributes: {} }),
      core.files.symlink({ ...at, target: Buffer.from('b'), attributes: {} }),
      core.files.link({ ...at, file }),
      core.files.write({ caller: ROOT, file, offset: 0, data: [LARGE] }),
      core.files.setattr({ caller: ROOT, file, changes: { sizeBytes: 6000 } }),
      core.objects.copy({ source: { volume, key }, target: { volume, key: Buffer.from('copy') } }),
      core.volumes.create({ name: 'more', owner: 'tester' }),
      core.accounts.create({ name: 'more' }),
    ];
    const before = yard.reserve;
    for (const outcome of await Promise.allSettled(added)) expect(outcome).toMatchObject({ reason: noSpace });
    expect(yard.reserve).toBe(before);
  });

  it('a call that was answered before is answered again, one that was not is refused', async () => {
    const { core } = yard;
    const at = { caller: ROOT, parent: await yard.parent(), name: Buffer.from('once') };
    const how = { kind: 'guarded', attributes: {} } as const;
    const call = { client: 'c', xid: 1, checksum: 1 };
    const made = await core.files.create({ ...at, how, call });
    yard.full = true;
    await yard.delete('a');
    expect((await core.files.create({ ...at, how, call })).file.inode).toBe(made.file.inode);
    const other = core.files.create({ ...at, name: Buffer.from('x'), how, call: { ...call, xid: 2 } });
    await expect(other).rejects.toMatchObject(noSpace);
  });

  it('metadata grows where deleting made room within its own file, and bytes do not', async () => {
    yard.full = true;
    await yard.delete('a');
    yard.spareBytes = 1999;
    await expect(yard.put('e', Buffer.from('small'))).rejects.toMatchObject(noSpace);
    yard.spareBytes = 2000;
    await yard.put('e', Buffer.from('small'));
    await expect(yard.put('f', LARGE)).rejects.toMatchObject(noSpace);
    expect(yard.core.room.full).toBe(true);
  });

  it('what was there is read', async () => {
    yard.full = true;
    await yard.delete('a');
    const object = await yard.core.objects.open({ volume: yard.volume, key: Buffer.from('b') });
    const chunks: Buffer[] = [];
    for await (const chunk of object.read()) chunks.push(chunk);
    expect(Buffer.concat(chunks)).toEqual(LARGE);
    object.close();
  });

  it('a body on its way is refused at its next piece', async () => {
    const writer = yard.core.objects.stage({ lengthBytes: 1 << 20 });
    await writer.write(Buffer.alloc(100_000));
    yard.full = true;
    await yard.delete('a');
    await expect(writer.write(Buffer.alloc(100_000))).rejects.toMatchObject(noSpace);
    await writer.abort();
  });
});

describe('when there is room again', () => {
  const recovered = async (): Promise<void> => {
    while (yard.core.room.full) {
      yard.tick();
      await new Promise(setImmediate);
    }
  };

  it('a look from time to time finds it, and everything works', async () => {
    yard.full = true;
    await expect(yard.put('e', LARGE)).rejects.toMatchObject(noSpace);
    for (let look = 0; look < 5; look += 1) {
      yard.tick();
      await new Promise(setImmediate);
    }
    expect(yard.core.room.full).toBe(true);
    yard.full = false;
    await recovered();
    await yard.put('e', LARGE);
    expect(yard.told).toEqual([true, false]);
    expect(yard.reserve).toBe('held');
  });

  it('and it can be full again', async () => {
    for (let time = 1; time <= 3; time += 1) {
      yard.full = true;
      await yard.delete(['a', 'b', 'c'][time - 1] ?? '');
      yard.full = false;
      await recovered();
      expect(yard.told).toHaveLength(2 * time);
    }
  });

  it('the collector has it looked for as soon as it gave something back', async () => {
    yard.full = true;
    await yard.delete('a');
    const before = yard.restores;
    await yard.core.collector.drain();
    expect(yard.restores).toBeGreaterThan(before);
  });
});

it('leaves a file empty when a write found no room, and its copy is an object dir/ without bytes', async () => {
  const { core, volume } = yard;
  const at = { caller: ROOT, parent: await yard.parent(), name: Buffer.from('empty') };
  const { file } = await core.files.create({ ...at, how: { kind: 'guarded', attributes: {} } });
  yard.full = true;
  yard.spareBytes = 1;
  const write = core.files.write({ caller: ROOT, file, offset: 9000, data: [LARGE] });
  await expect(write).rejects.toMatchObject(noSpace);
  yard.full = false;
  while (core.room.full) {
    yard.tick();
    await new Promise(setImmediate);
  }
  const target = { volume, key: Buffer.from('copy/') };
  await core.objects.copy({ source: { volume, key: Buffer.from('empty') }, target });
  expect((await core.objects.head(target)).sizeBytes).toBe(0);
});

it('begins full where there is no room for the reserve', async () => {
  const again = new Yard(randomFrom(2));
  again.full = true;
  again.reserve = 50;
  await again.open();
  expect(again.core.room.full).toBe(true);
  await expect(again.core.accounts.create({ name: 'x' })).rejects.toMatchObject(noSpace);
  await again.core.close();
});

it('begins without recovery where there is no room and no reserve for it, and does it when there is', async () => {
  const body = yard.core.objects.stage({ lengthBytes: LARGE.length });
  await body.write(LARGE);
  await body.finish();
  yard.full = true;
  yard.reserve = 0;
  const core = await yard.open();
  expect(core.recovered).toBeUndefined();
  const object = await core.objects.open({ volume: yard.volume, key: Buffer.from('a') });
  const chunks: Uint8Array[] = [];
  for await (const chunk of object.read()) chunks.push(chunk);
  expect(Buffer.concat(chunks)).toEqual(LARGE);
  object.close();
  await expect(yard.put('e', LARGE)).rejects.toMatchObject(noSpace);
  expect(yard.recovered).toEqual([]);
  yard.full = false;
  while (core.recovered === undefined) {
    yard.tick();
    await new Promise(setImmediate);
  }
  expect(yard.recovered).toEqual([core.recovered]);
  expect(core.recovered).toMatchObject({ leases: 1, lost: 0 });
  expect(core.recovered.deadBytes).toBeGreaterThanOrEqual(LARGE.length);
  await yard.put('e', LARGE);
});

it('closes where the disk turns out to be full only then', async () => {
  const again = new Yard(randomFrom(3));
  const core = await again.open();
  await core.accounts.create({ name: 'tester' });
  again.volume = (await core.volumes.create({ name: 'bucket', owner: 'tester' })).id;
  await again.put('a', LARGE);
  again.full = true;
  await core.close();
  expect(again.faults).toMatchObject([{ doing: 'end leases', error: noSpace }]);
});

function roomWith(release: () => unknown): Room {
  return new Room({
    engine: { spareBytes: async () => 0 },
    reserve: { lengthBytes: 1, release: async () => release(), restore: async () => false },
    timer: { after: () => ({ cancel: () => undefined }) },
  });
}

it('releases the reserve only when the writes under way are over', async () => {
  const steps: string[] = [];
  const room = roomWith(() => steps.push('released'));
  room.begin();
  room.begin();
  room.met();
  room.end();
  const ready = room.ready().then(() => steps.push('ready'));
  await new Promise(setImmediate);
  expect(steps).toEqual([]);
  room.end();
  await ready;
  expect(steps).toEqual(['released', 'ready']);
  await room.stop();
});

it('tries again to give back what met the full disk', async () => {
  let released = false;
  const room = roomWith(() => {
    released = true;
  });
  const disk = new MemoryDisk({ random: randomFrom(1) }).mount();
  const store = new LocalExtentStore({ disk, lease: async () => Promise.reject(new Error('none')) });
  const guarded = room.guard({
    ...store,
    punch: async () => {
      if (!released) throw new ExtentError('Full', 'no room to split an extent');
      return true;
    },
  } as unknown as LocalExtentStore);
  expect(await guarded.punch({ container: 1, offset: 0, length: 4096 } as never)).toBe(true);
  expect(room.full).toBe(true);
  await room.stop();
});
