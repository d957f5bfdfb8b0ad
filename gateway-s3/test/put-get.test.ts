import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { md5Hex, textOf, texts } from './client.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  expect((await world.alice.put('/first')).status).toBe(200);
});
afterAll(() => world.close());

describe('the first slice', () => {
  it('stores, heads, gets and lists an object', async () => {
    const put = await world.alice.put('/first/a%20b', 'hello', { 'content-type': 'text/plain' });
    expect(put.status).toBe(200);
    expect(put.headers.etag).toBe(`"${md5Hex('hello')}"`);

    const get = await world.alice.get('/first/a%20b');
    expect(get).toMatchObject({ status: 200, text: 'hello' });
    expect(get.headers['content-type']).toBe('text/plain');
    expect(get.headers['x-amz-request-id']).toMatch(/^[0-9A-Z]{16}$/);

    const head = await world.alice.head('/first/a%20b');
    expect(head).toMatchObject({ status: 200, text: '' });
    expect(head.headers['content-length']).toBe('5');

    const list = await world.alice.get('/first?list-type=2');
    expect(texts(list.text, 'Key')).toEqual(['a b']);
    expect(textOf(list.text, 'KeyCount')).toBe('1');
    const buckets = await world.alice.get('/');
    expect(texts(buckets.text, 'Name')).toEqual(['first']);
  });
});
