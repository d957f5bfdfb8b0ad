import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { md5Base64, texts } from './client.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.alice.put('/deletes');
});
afterAll(async () => {
  expect(world.errors).toEqual([]);
  await world.close();
});

const many = (body: string, headers: Record<string, string> = { 'content-md5': md5Base64(body) }) =>
  world.alice.post('/deletes?delete', body, headers);
const entry = (key: string, more = '') => `<Object><Key>${key}</Key>${more}</Object>`;
const document = (inner: string) =>
  `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</Delete>`;

describe('DeleteObject', () => {
  it('succeeds also where nothing is', async () => {
    await world.alice.put('/deletes/one', 'x');
    for (let i = 0; i < 2; i++)
      expect(await world.alice.delete('/deletes/one')).toMatchObject({ status: 204 });
    expect(await world.alice.get('/deletes/one')).toMatchObject({ status: 404 });
  });

  it('on the condition of a date that no object is of fails', async () => {
    await world.alice.put('/deletes/dated', 'x');
    const condition = { 'x-amz-if-match-last-modified-time': 'Fri, 31 Dec 9999 23:59:59 GMT' };
    expect(await world.alice.delete('/deletes/dated', condition)).toMatchObject({ status: 412 });
    expect(await world.alice.head('/deletes/dated')).toMatchObject({ status: 200 });
  });

  it('of a directory object leaves what is under it', async () => {
    await world.alice.put('/deletes/dir/', '');
    await world.alice.put('/deletes/dir/child', 'x');
    expect(await world.alice.delete('/deletes/dir/')).toMatchObject({ status: 204 });
    expect(await world.alice.get('/deletes/dir/')).toMatchObject({ status: 404 });
    expect(await world.alice.get('/deletes/dir/child')).toMatchObject({ text: 'x' });
  });
});

describe('DeleteObjects', () => {
  it('deletes, and says so, in the order asked', async () => {
    await world.alice.put('/deletes/a%26b', 'x');
    const answer = await many(document(entry('z-missing') + entry('a&amp;b') + entry('&#x31;&#50;')));
    expect(answer.status).toBe(200);
    expect(texts(answer.text, 'Key')).toEqual(['z-missing', 'a&b', '12']);
    expect(answer.text).not.toContain('<Error>');
    expect(await world.alice.get('/deletes/a%26b')).toMatchObject({ status: 404 });
  });

  it('quietly tells only what failed', async () => {
    await world.alice.put('/deletes/kept', 'x');
    const body = document(
      `<Quiet>true</Quiet>${entry('gone')}${entry('kept', '<VersionId>abc</VersionId>')}${entry('k'.repeat(1025))}`,
    );
    const answer = await many(body);
    expect(texts(answer.text, 'Code')).toEqual(['NoSuchVersion', 'KeyTooLongError']);
    expect(answer.text).not.toContain('<Deleted>');
    expect(await world.alice.get('/deletes/kept')).toMatchObject({ text: 'x' });
  });

  it('takes the null version, and conditions for each', async () => {
    const put = await world.alice.put('/deletes/if', 'x');
    const etag = String(put.headers.etag).replaceAll('"', '&quot;');
    const wrong = await many(document(entry('if', '<ETag>"00"</ETag>')));
    expect(texts(wrong.text, 'Code')).toEqual(['PreconditionFailed']);
    const size = await many(document(entry('if', '<Size>2</Size>')));
    expect(texts(size.text, 'Code')).toEqual(['PreconditionFailed']);
    const right = await many(
      document(entry('if', `<VersionId>null</VersionId><ETag>${etag}</ETag><Size>1</Size>`)),
    );
    expect(texts(right.text, 'VersionId')).toEqual(['null']);
    expect(await world.alice.get('/deletes/if')).toMatchObject({ status: 404 });
  });

  it('takes 1,000 and no more', async () => {
    const keys = Array.from({ length: 1000 }, (_, i) => `many/${i}`);
    for (const key of ['many/0', 'many/500', 'many/999']) await world.alice.put(`/deletes/${key}`, 'x');
    const answer = await many(document(keys.map((key) => entry(key)).join('')));
    expect(texts(answer.text, 'Key')).toEqual(keys);
    expect(texts((await world.alice.get('/deletes?prefix=many')).text, 'Key')).toEqual([]);
    const tooMany = document([...keys, 'one more'].map((key) => entry(key)).join(''));
    expect(await many(tooMany)).toMatchObject({ status: 400, code: 'MalformedXML' });
  });

  it.each([
    ['all at once, where keys are ordinary', 'many/keys/', 1000, 1000],
    ['a few at a time, where keys are deep', '/'.repeat(1020), 10, 4],
  ])('asks the store for %s', async (_name, prefix, count, together) => {
    const { objects } = world.core;
    const real = objects.delete.bind(objects);
    let underWay = 0;
    let most = 0;
    const spy = vi.spyOn(objects, 'delete').mockImplementation(async (args) => {
      underWay += 1;
      most = Math.max(most, underWay);
      try {
        return await real(args);
      } finally {
        underWay -= 1;
      }
    });
    const keys = Array.from({ length: count }, (_, i) => `${prefix}${i}`);
    const answer = await many(document(keys.map((key) => entry(key)).join('')));
    spy.mockRestore();
    expect(texts(answer.text, 'Key')).toEqual(keys);
    expect(most).toBe(together);
  });

  it.each([
    ['no digest', document(entry('a')), {}, 'InvalidRequest'],
    ['a wrong digest', document(entry('a')), { 'content-md5': md5Base64('other') }, 'BadDigest'],
    ['nothing', document(''), undefined, 'MalformedXML'],
    ['an entry without a key', document('<Object></Object>'), undefined, 'MalformedXML'],
    ['an empty key', document(entry('')), undefined, 'MalformedXML'],
    ['two keys in one', document('<Object><Key>a</Key><Key>b</Key></Object>'), undefined, 'MalformedXML'],
    ['another document', '<Remove></Remove>', undefined, 'MalformedXML'],
    ['no XML', 'a=b', undefined, 'MalformedXML'],
    ['half an XML', '<Delete><Object>', undefined, 'MalformedXML'],
    ['an entity', '<Delete><Object><Key>&x;</Key></Object></Delete>', undefined, 'MalformedXML'],
    [
      'a DOCTYPE',
      '<!DOCTYPE d [<!ENTITY x "boom">]><Delete><Object><Key>&x;</Key></Object></Delete>',
      undefined,
      'MalformedXML',
    ],
    ['a deep nest', `${'<a>'.repeat(5000)}${'</a>'.repeat(5000)}`, undefined, 'MalformedXML'],
    [
      'no UTF-8',
      Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e]).toString('latin1'),
      {},
      'InvalidRequest',
    ],
    ['too much', document(`<!--${'x'.repeat(3 << 20)}-->`), undefined, 'MaxMessageLengthExceeded'],
  ])('refuses %s', async (_name, body, headers, code) => {
    const answer = headers === undefined ? await many(body) : await many(body, headers);
    expect(answer).toMatchObject({ status: 400, code });
  });
});
