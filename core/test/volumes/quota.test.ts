/** A volume's quota: exact at its limit, by whichever door, and nothing that does not grow is refused. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommandRunner } from '../../src/commands/command.ts';
import { FsError, systemEnvironment, type VolumeSettings } from '../../src/index.ts';
import { decodeVolume, encodeVolume } from '../../src/meta/records/volume.ts';
import { Volumes } from '../../src/volumes/volumes.ts';
import { ENGINES, ROOT, refused, Yard } from '../files/yard.ts';

describe.each(ENGINES)('a quota on the %s engine', (kind) => {
  let yard: Yard;
  let volumes: Volumes;
  beforeEach(async () => {
    yard = await Yard.open(kind);
    const environment = systemEnvironment();
    volumes = new Volumes({ commands: new CommandRunner(yard.engine, environment), environment });
  });
  afterEach(async () => {
    await yard.check();
    await yard.close();
  });
  const set = (changes: Partial<VolumeSettings>) => volumes.setSettings(yard.volume, changes);
  const usage = () => yard.files.usage({ volume: yard.volume });
  /** How many were done; the others were refused for the quota. */
  async function allowed(works: readonly Promise<unknown>[]): Promise<number> {
    const outcomes = await Promise.allSettled(works);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'QuotaExceeded' });
    }
    return outcomes.filter(({ status }) => status === 'fulfilled').length;
  }

  it('of inodes lets in as many as it says, of both doors racing', async () => {
    await set({ quotaInodes: 11 });
    const some = Array.from({ length: 12 }, (_, at) => at);
    const done = await allowed(
      some.flatMap((at) => [yard.put(`put-${at}`, Buffer.from('x')), yard.touch(yard.root, `made-${at}`)]),
    );
    expect(done).toBe(10);
    expect(await usage()).toMatchObject({ inodes: 11, quota: { inodes: 11 } });
    expect(await yard.names(yard.root)).toHaveLength(10);
    await refused('QuotaExceeded', yard.mkdir(yard.root, 'directory'));
    await refused('QuotaExceeded', yard.put('one/more', Buffer.from('x')));
    expect(await yard.names(yard.root)).toHaveLength(10);
  });

  it('of bytes lets in as many as it says, of both doors racing on one name and on many', async () => {
    const body = Buffer.alloc(10_000, 'b');
    const files = await Promise.all(
      Array.from({ length: 8 }, (_, at) => yard.touch(yard.root, `file-${at}`)),
    );
    await set({ quotaBytes: 55_000 });
    const done = await allowed([
      ...files.map((file) => yard.write(file, 0, body)),
      ...Array.from({ length: 8 }, (_, at) => yard.put(`put-${at}`, body)),
    ]);
    expect(done).toBe(5);
    expect(await usage()).toMatchObject({ bytes: 50_000 });
    // One name: whoever is last, it has the bytes of one.
    await yard.put('raced', Buffer.alloc(5_000));
    const raced = await yard.walk('raced');
    await allowed([
      ...Array.from({ length: 6 }, () => yard.put('raced', Buffer.alloc(5_000, 'p'))),
      ...Array.from({ length: 6 }, (_, at) => yard.write(raced, at, Buffer.alloc(5_000, 'w'))),
      ...Array.from({ length: 4 }, (_, at) => yard.truncate(raced, 1_000 * at)),
    ]);
    const { sizeBytes } = await yard.stat(raced);
    expect(sizeBytes).toBeLessThanOrEqual(5_000);
    expect(await usage()).toMatchObject({ bytes: 50_000 + sizeBytes });
  });

  it('refuses what grows alone: over it, all else is done', async () => {
    await yard.put('large', Buffer.alloc(20_000));
    await yard.put('small', Buffer.alloc(100));
    await set({ quotaBytes: 10_000, quotaInodes: 2 });
    const large = await yard.walk('large');
    await refused('QuotaExceeded', yard.write(large, 20_000, Buffer.alloc(1)));
    await refused('QuotaExceeded', yard.truncate(large, 20_001));
    await refused('QuotaExceeded', yard.copy('small', 'copied'));
    await refused('QuotaExceeded', yard.put('small', Buffer.alloc(101)));
    await yard.write(large, 0, Buffer.alloc(20_000, 'w'));
    await yard.put('small', Buffer.alloc(100, 'p'));
    await yard.copy('small', 'large');
    await yard.rename([yard.root, 'small'], [yard.root, 'renamed']);
    await yard.files.link({ caller: ROOT, file: large, parent: yard.root, name: Buffer.from('linked') });
    await yard.objects.delete(yard.object('renamed'));
    expect(await usage()).toMatchObject({ bytes: 100, inodes: 2 });
    await yard.write(large, 0, Buffer.alloc(10_000));
    await refused('QuotaExceeded', yard.write(large, 0, Buffer.alloc(10_001)));
    await set({ quotaBytes: null });
    await yard.write(large, 0, Buffer.alloc(10_001));
  });

  it('is kept, and what is none is refused', async () => {
    const both = await set({ quotaBytes: 2 ** 50, quotaInodes: 0 });
    expect(both.quota).toEqual({ bytes: 2 ** 50, inodes: 0 });
    expect(decodeVolume(encodeVolume(both))).toEqual(both);
    expect((await set({ quotaBytes: null, posixMetadata: true })).quota).toEqual({ inodes: 0 });
    const none = await set({ quotaInodes: null });
    expect(none).not.toHaveProperty('quota');
    expect(none.posixMetadata).toBe(true);
    for (const quotaBytes of [-1, 0.5, Number.NaN, 2 ** 53]) {
      await expect(set({ quotaBytes })).rejects.toThrow(FsError);
    }
  });
});
