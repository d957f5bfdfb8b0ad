import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from './world.ts';

const SIZE = 200_000;
const bytes = randomBytes(SIZE);
let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.alice.put('/ranges');
  await world.alice.put('/ranges/key', bytes);
  await world.alice.put('/ranges/empty');
});
afterAll(() => world.close());

describe('Range', () => {
  it.each([
    ['bytes=0-0', 0, 0],
    ['bytes=5-9', 5, 9],
    ['bytes=100000-', 100_000, SIZE - 1],
    ['bytes=-7', SIZE - 7, SIZE - 1],
    ['bytes=-999999', 0, SIZE - 1],
    ['bytes=0-999999', 0, SIZE - 1],
    [`bytes=${SIZE - 1}-`, SIZE - 1, SIZE - 1],
    ['Bytes=1-2', 1, 2],
  ])('%s', async (range, start, end) => {
    const get = await world.alice.get('/ranges/key', { range });
    expect(get.status).toBe(206);
    expect(get.headers['content-range']).toBe(`bytes ${start}-${end}/${SIZE}`);
    expect(get.headers['content-length']).toBe(String(end - start + 1));
    expect(get.body.equals(bytes.subarray(start, end + 1))).toBe(true);
    const head = await world.alice.head('/ranges/key', { range });
    expect(head).toMatchObject({ status: 206, text: '' });
    expect(head.headers['content-range']).toBe(get.headers['content-range']);
  });

  it.each([
    'bytes=9-5',
    'bytes=a-b',
    'lines=1-2',
    'bytes=',
    'bytes=-',
    '5-9',
    'bytes=0-1,4-5',
    'bytes= 1-2',
    'bytes=1 -2',
  ])('%s is no single range: the whole comes', async (range) => {
    const get = await world.alice.get('/ranges/key', { range });
    expect(get.status).toBe(200);
    expect(get.body.length).toBe(SIZE);
    expect(get.headers['content-range']).toBeUndefined();
  });

  it.each([`bytes=${SIZE}-`, `bytes=${SIZE}-${SIZE + 5}`, 'bytes=-0'])(
    '%s cannot be satisfied',
    async (range) => {
      const get = await world.alice.get('/ranges/key', { range });
      expect(get).toMatchObject({ status: 416, code: 'InvalidRange' });
      expect(get.headers['content-range']).toBe(`bytes */${SIZE}`);
      expect(get.text).toContain(`<ActualObjectSize>${SIZE}</ActualObjectSize>`);
      expect(await world.alice.head('/ranges/key', { range })).toMatchObject({ status: 416, text: '' });
    },
  );

  it('of nothing, only the last bytes can be had', async () => {
    for (const range of ['bytes=0-', 'bytes=0-0', 'bytes=-0']) {
      expect(await world.alice.get('/ranges/empty', { range })).toMatchObject({ status: 416 });
    }
    expect(await world.alice.get('/ranges/empty', { range: 'bytes=-5' })).toMatchObject({
      status: 200,
      text: '',
    });
  });
});

describe('partNumber of an object made in one piece', () => {
  it('is 1', async () => {
    const get = await world.alice.get('/ranges/key?partNumber=1');
    expect(get.status).toBe(206);
    expect(get.headers['content-range']).toBe(`bytes 0-${SIZE - 1}/${SIZE}`);
    expect(get.headers['x-amz-mp-parts-count']).toBeUndefined();
    expect(get.body.equals(bytes)).toBe(true);
    const two = await world.alice.get('/ranges/key?partNumber=2');
    expect(two).toMatchObject({ status: 416, code: 'InvalidPartNumber' });
    expect(await world.alice.head('/ranges/key?partNumber=1')).toMatchObject({ status: 206 });
    expect((await world.alice.get('/ranges/empty?partNumber=1')).body.length).toBe(0);
    for (const bad of ['0', '10001', 'x', '-1']) {
      expect(await world.alice.get(`/ranges/key?partNumber=${bad}`)).toMatchObject({
        code: 'InvalidArgument',
      });
    }
    const both = await world.alice.get('/ranges/key?partNumber=1', { range: 'bytes=0-1' });
    expect(both).toMatchObject({ status: 400, code: 'InvalidRequest' });
  });
});
