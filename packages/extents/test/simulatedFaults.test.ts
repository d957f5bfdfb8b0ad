import { describe, expect, it } from 'vitest';
import { MemoryDisk } from '../src/index.ts';
import { randomFrom } from './fixtures.ts';

describe('a simulated disk', () => {
  it('tells each handle that was open of a sync that failed, once, and none that is opened after', async () => {
    let fails = false;
    const before = async ({ kind }: { readonly kind: string }) =>
      fails && kind === 'sync' ? ('EIO' as const) : undefined;
    const disk = new MemoryDisk({ random: randomFrom(1), before }).mount();
    const [one, other] = [await disk.create('a', 'buffered'), await disk.open('a', 'buffered')];
    await other.write({ position: 0, buffers: [Buffer.from('lost, perhaps')] });
    fails = true;
    await expect(one.sync()).rejects.toMatchObject({ code: 'EIO' });
    fails = false;
    const later = await disk.open('a', 'buffered');
    await one.sync();
    await expect(other.sync()).rejects.toMatchObject({ code: 'EIO' });
    await other.sync();
    await later.sync();
  });

  it('keeps what was written, synced or not, when only its process ends', async () => {
    const disk = new MemoryDisk({ random: randomFrom(1) });
    const mount = disk.mount();
    const file = await mount.create('a', 'buffered');
    await file.write({ position: 0, buffers: [Buffer.from('there')] });
    disk.unmount();
    await expect(file.sync()).rejects.toMatchObject({ code: 'ESHUTDOWN' });
    const bytes = Buffer.alloc(5);
    await (await disk.mount().open('a', 'buffered')).read({ position: 0, buffers: [bytes] });
    expect(bytes.toString()).toBe('there');
  });
});
