import { afterEach, describe, expect, it } from 'vitest';
import { isLongName, nameDigest } from '../../src/index.ts';
import { ENGINES, ROOT, Yard } from './yard.ts';

let yard: Yard;
afterEach(() => yard.close());

const LONG = 'x'.repeat(300);
const find = (name: string, directory = yard.root) =>
  yard.files.findLongName({ directory, digest: nameDigest(Buffer.from(name)) });

describe.each(ENGINES)('long names on %s', (engine) => {
  it('are found by their digest for as long as they are there', async () => {
    yard = await Yard.open(engine);
    expect(await find(LONG)).toBe(undefined);
    await yard.put(LONG, Buffer.from('file'));
    expect(`${await find(LONG)}`).toBe(LONG);
    await yard.objects.delete(yard.object(LONG));
    expect(await find(LONG)).toBe(undefined);
    await yard.check();
  });

  it('stay in the index until both of twins are gone', async () => {
    for (const [first, second] of [
      [LONG, `${LONG}/x`],
      [`${LONG}/x`, LONG],
    ] as const) {
      yard = await Yard.open(engine);
      await yard.put(LONG, Buffer.from('file'));
      await yard.put(`${LONG}/x`, Buffer.from('below'));
      await yard.check();
      await yard.objects.delete(yard.object(first));
      expect(`${await find(LONG)}`).toBe(LONG);
      await yard.check();
      await yard.objects.delete(yard.object(second));
      expect(await find(LONG)).toBe(undefined);
      await yard.check();
      if (second === `${LONG}/x`) await yard.close();
    }
  });

  it('follow a rename of the entry, and of the directory they are in', async () => {
    yard = await Yard.open(engine);
    await yard.put(`dir/${LONG}`, Buffer.from('file'));
    await yard.rename([yard.root, 'dir'], [yard.root, 'moved']);
    const moved = await yard.walk('moved');
    expect(`${await find(LONG, moved)}`).toBe(LONG);
    await yard.files.rename({
      caller: ROOT,
      from: { parent: moved, name: Buffer.from(LONG) },
      to: { parent: yard.root, name: Buffer.from('short') },
    });
    expect(await find(LONG, moved)).toBe(undefined);
    await yard.put(LONG, Buffer.from('again'));
    // Over a name that is there, so that the entry stays.
    await yard.files.rename({
      caller: ROOT,
      from: { parent: yard.root, name: Buffer.from('short') },
      to: { parent: yard.root, name: Buffer.from(LONG) },
    });
    expect(`${await find(LONG)}`).toBe(LONG);
    expect((await yard.get(LONG)).toString()).toBe('file');
    await yard.files.remove({ caller: ROOT, parent: yard.root, name: Buffer.from(LONG) });
    expect(await find(LONG)).toBe(undefined);
    await yard.check();
  });

  it('are those over 240 bytes and those with a NUL', async () => {
    yard = await Yard.open(engine);
    for (const name of ['y'.repeat(240), 'y'.repeat(241), 'with\0nul', 'plain']) {
      await yard.put(name, Buffer.from('file'));
      expect((await find(name)) !== undefined).toBe(isLongName(Buffer.from(name)));
    }
    expect(isLongName(Buffer.from('y'.repeat(240)))).toBe(false);
    expect(isLongName(Buffer.from('y'.repeat(241)))).toBe(true);
    await yard.check();
  });
});
