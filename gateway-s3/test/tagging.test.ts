import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { texts } from './client.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.alice.put('/tags');
  await world.alice.put('/tags/key', 'x', { 'x-amz-tagging': 'from=header&empty=' });
});
afterAll(async () => {
  expect(world.errors).toEqual([]);
  await world.close();
});

const document = (...tags: (readonly [string, string])[]) =>
  `<Tagging><TagSet>${tags.map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`).join('')}</TagSet></Tagging>`;

describe('object tagging', () => {
  it('is what the last writer said', async () => {
    const first = await world.alice.get('/tags/key?tagging');
    expect(texts(first.text, 'Key')).toEqual(['empty', 'from']);
    expect(texts(first.text, 'Value')).toEqual(['', 'header']);
    const modified = (await world.alice.head('/tags/key')).headers['last-modified'];
    expect(await world.alice.put('/tags/key?tagging', document(['é', 'ü @x']))).toMatchObject({
      status: 200,
    });
    const second = await world.alice.get('/tags/key?tagging');
    expect(texts(second.text, 'Key')).toEqual(['é']);
    const head = await world.alice.head('/tags/key');
    expect(head.headers['x-amz-tagging-count']).toBe('1');
    expect(head.headers['last-modified']).toBe(modified);
    expect(await world.alice.get('/tags/key')).toMatchObject({ text: 'x' });
    expect(await world.alice.delete('/tags/key?tagging')).toMatchObject({ status: 204 });
    const third = await world.alice.get('/tags/key?tagging');
    expect(third).toMatchObject({ status: 200 });
    expect(third.text).toContain('<TagSet></TagSet>');
    for (const answer of [
      await world.alice.get('/tags/none?tagging'),
      await world.alice.put('/tags/none?tagging', document(['a', 'b'])),
      await world.alice.delete('/tags/none?tagging'),
    ]) {
      expect(answer).toMatchObject({ status: 404, code: 'NoSuchKey' });
    }
  });

  const ten = Array.from({ length: 10 }, (_, i) => [`k${i}`, 'v'] as const);
  it.each([
    ['ten tags', document(...ten), 200, undefined],
    ['longest key and value', document(['k'.repeat(128), 'v'.repeat(256)]), 200, undefined],
    ['no tags', document(), 200, undefined],
    ['eleven tags', document(...ten, ['more', 'v']), 400, 'InvalidTag'],
    ['too long a key', document(['k'.repeat(129), 'v']), 400, 'InvalidTag'],
    ['too long a value', document(['k', 'v'.repeat(257)]), 400, 'InvalidTag'],
    ['one key twice', document(['k', '1'], ['k', '2']), 400, 'InvalidTag'],
    ['an empty key', document(['', '1']), 400, 'InvalidTag'],
    ['a system key', document(['aws:x', '1']), 400, 'InvalidTag'],
    ['odd characters', document(['k', '{}']), 400, 'InvalidTag'],
    ['no value', '<Tagging><TagSet><Tag><Key>k</Key></Tag></TagSet></Tagging>', 400, 'MalformedXML'],
    ['no tag set', '<Tagging></Tagging>', 400, 'MalformedXML'],
    ['another element', '<Tagging><TagSet><Label/></TagSet></Tagging>', 400, 'MalformedXML'],
    ['nothing', '', 400, 'MalformedXML'],
  ])('%s', async (_name, body, status, code) => {
    expect(await world.alice.put('/tags/key?tagging', body)).toMatchObject({ status, code });
  });
});
