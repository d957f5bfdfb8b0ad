import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
  await world.alice.put('/damage');
});
afterEach(() => world.close());

/** Turns over one bit in the one container there is. */
function damage(placeOf: (sizeBytes: number) => number): void {
  const [name] = readdirSync(world.extents, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /\.(seg|ext)$/.test(path),
  );
  if (name === undefined) throw new Error('nothing is stored in a container');
  const bytes = readFileSync(join(world.extents, name));
  const place = placeOf(bytes.length);
  bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
  writeFileSync(join(world.extents, name), bytes);
}

it.each([5_000, 3_000_000])('damage at the start of %d bytes is answered as an error', async (size) => {
  await world.alice.put('/damage/key', randomBytes(size));
  damage(() => 1_000);
  const get = await world.alice.get('/damage/key');
  expect(get.status).toBe(500);
  expect(get.text).toContain('<Code>InternalError</Code>');
  expect(get.text).toContain('trying again does not help');
  expect(get.text).not.toContain('Please try again');
  expect(world.errors).toHaveLength(1);
  // The connection and the server go on.
  expect((await world.alice.head('/damage/key')).status).toBe(200);
  expect((await world.alice.put('/damage/other', 'other')).status).toBe(200);
});

it('damage is answered each time it is met, and logged once in a while', async () => {
  await world.close();
  let later = 0;
  world = await startWorld({ now: () => Date.now() + later });
  await world.alice.put('/damage');
  await world.alice.put('/damage/key', randomBytes(5_000));
  damage(() => 1_000);
  const statusOfGet = async () => (await world.alice.get('/damage/key')).status;
  for (let time = 0; time < 4; time += 1) expect(await statusOfGet()).toBe(500);
  expect(world.errors).toHaveLength(1);
  later = 10 * 60_000;
  expect(await statusOfGet()).toBe(500);
  expect(world.errors).toMatchObject([
    { bucket: 'damage', key: 'key' },
    { key: 'key', leftOut: 3 },
  ]);
  expect(world.errors[0]).not.toHaveProperty('leftOut');
});

it('damage further on ends the connection before the length that was announced', async () => {
  await world.alice.put('/damage/key', randomBytes(3_000_000));
  damage((sizeBytes) => sizeBytes - 1_000);
  await expect(world.alice.get('/damage/key')).rejects.toThrow();
  expect(world.errors).toHaveLength(1);
});
