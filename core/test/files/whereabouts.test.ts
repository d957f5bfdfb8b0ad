import { afterEach, describe, expect, it } from 'vitest';
import { ENGINES, ROOT, Yard } from './yard.ts';

let yard: Yard;
afterEach(() => yard.close());

describe.each(ENGINES)('whereabouts on %s', (engine) => {
  it('are the volume and the path by the first name, also after a move', async () => {
    yard = await Yard.open(engine);
    await yard.put('a/b/c', Buffer.from('bytes'));
    const file = await yard.walk('a/b/c');
    await yard.files.link({ caller: ROOT, file, parent: yard.root, name: Buffer.from('second') });
    expect(await yard.files.whereabouts({ file })).toEqual({ volume: 'yard', path: 'a/b/c' });
    await yard.rename([yard.root, 'a'], [yard.root, 'z']);
    expect(await yard.files.whereabouts({ file })).toEqual({ volume: 'yard', path: 'z/b/c' });
    expect(await yard.files.whereabouts({ file: yard.root })).toEqual({ volume: 'yard', path: '' });
  });

  it('of a file that is gone are its volume', async () => {
    yard = await Yard.open(engine);
    await yard.put('gone', Buffer.from('bytes'));
    const file = await yard.walk('gone');
    await yard.objects.delete(yard.object('gone'));
    expect(await yard.files.whereabouts({ file })).toEqual({ volume: 'yard' });
  });
});
