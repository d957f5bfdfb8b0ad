/** Answers that repeat what the client sent are well-formed whatever that is. */

import fc from 'fast-check';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { element, leaf } from '../src/xml/write.ts';
import { md5Base64 } from './client.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.alice.put('/echoes');
});
afterAll(async () => {
  expect(world.errors).toEqual([]);
  await world.close();
});

/** @source Extensible Markup Language (XML) 1.0, production 2 */
const isXmlCharacter = (code: number): boolean =>
  [0x9, 0xa, 0xd].includes(code) ||
  (code >= 0x20 && code <= 0xd7ff) ||
  (code >= 0xe000 && code <= 0xfffd) ||
  (code >= 0x10000 && code <= 0x10ffff);

/** The parser's own check lets characters pass that XML does not have. */
function parseStrictly(text: string): Record<string, unknown> {
  expect(XMLValidator.validate(text)).toBe(true);
  const referred = text.matchAll(/&#(?:x([0-9a-f]+)|(\d+));/gi);
  const codes = [
    ...Array.from(text, (character) => character.codePointAt(0) ?? 0),
    ...Array.from(referred, ([, hex, decimal]) => (hex ? Number.parseInt(hex, 16) : Number(decimal))),
  ];
  expect(codes.filter((code) => !isXmlCharacter(code))).toEqual([]);
  return new XMLParser({ htmlEntities: true, trimValues: false, parseTagValue: false }).parse(text);
}

it('DeleteObjects of keys that XML cannot hold deletes them, and says so in XML', async () => {
  const keys = ['soh\u0001', 'esc\u001b\u0000', 'noncharacter\ufffe\uffff', 'cr\r<&>', 'plain'];
  const escaped = (key: string) => Array.from(key, (c) => `&#${c.codePointAt(0)};`).join('');
  const paths = keys.map((key) => `/echoes/${encodeURIComponent(key)}`);
  for (const path of paths) expect(await world.alice.put(path, 'x')).toMatchObject({ status: 200 });
  const wrong = `<Object><Key>kept\u0001</Key><VersionId>no\u0002version</VersionId></Object>`;
  const body = `<Delete>${keys.map((key) => `<Object><Key>${escaped(key)}</Key></Object>`).join('')}${wrong}</Delete>`;
  const answer = await world.alice.post('/echoes?delete', body, { 'content-md5': md5Base64(body) });
  expect(answer.status).toBe(200);
  const { DeleteResult } = parseStrictly(answer.text);
  expect(DeleteResult).toMatchObject({
    Deleted: [
      { Key: 'soh\ufffd' },
      { Key: 'esc\ufffd\ufffd' },
      { Key: 'noncharacter\ufffd\ufffd' },
      { Key: 'cr\r<&>' },
      { Key: 'plain' },
    ],
    Error: { Key: 'kept\ufffd', VersionId: 'no\ufffdversion', Code: 'InvalidArgument' },
  });
  for (const path of paths) expect(await world.alice.get(path)).toMatchObject({ status: 404 });
});

const HOSTILE = encodeURIComponent('a\u0001<&\u001b\ufffe\uffff');
const UPLOAD = 'uploadId=';

it('multipart uploads to a key that XML cannot hold are made, listed and completed', async () => {
  const { alice } = world;
  const key = 'a\ufffd<&\ufffd\ufffd\ufffd';
  const path = `/echoes/${HOSTILE}`;
  const made = parseStrictly((await alice.post(`${path}?uploads`)).text)['InitiateMultipartUploadResult'];
  expect(made).toMatchObject({ Key: key });
  const upload = `${UPLOAD}${String(Reflect.get(Object(made), 'UploadId'))}`;
  const part = await alice.put(`${path}?partNumber=1&${upload}`, 'part');
  expect(parseStrictly((await alice.get(`${path}?${upload}`)).text)['ListPartsResult']).toMatchObject({
    Key: key,
  });
  const uploads = await alice.get(`/echoes?uploads&prefix=${encodeURIComponent('a\u0001')}`);
  expect(parseStrictly(uploads.text)['ListMultipartUploadsResult']).toMatchObject({
    Prefix: 'a\ufffd',
    Upload: { Key: key },
  });
  const rolledUp = await alice.get(`/echoes?uploads&delimiter=${encodeURIComponent('\u0001')}`);
  expect(parseStrictly(rolledUp.text)['ListMultipartUploadsResult']).toMatchObject({
    Delimiter: '\ufffd',
    CommonPrefixes: { Prefix: 'a\ufffd' },
  });
  const etag = String(part.headers.etag).replaceAll('"', '&quot;');
  const list = `<Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part>`;
  const completed = await alice.post(
    `${path}?${upload}`,
    `<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`,
  );
  expect(parseStrictly(completed.text)['CompleteMultipartUploadResult']).toMatchObject({ Key: key });
  // What a listing is for is the key itself: SDKs ask for it in the one encoding that can tell it.
  expect((await alice.get('/echoes?encoding-type=url')).text).toContain('<Key>a%01');
  expect((await alice.get('/echoes')).text).toContain('<Key>a&#x1;');
  await alice.delete(path);
});

const SUBRESOURCES = [
  ...[
    '',
    'acl',
    'attributes',
    'cors',
    'delete',
    'encryption',
    'legal-hold',
    'lifecycle',
    'list-type=2',
    'location',
  ],
  ...[
    'object-lock',
    'policy',
    'restore',
    'select',
    'tagging',
    'uploads',
    'versioning',
    'versions',
    'website',
  ],
  ...[`${UPLOAD}x`, `${UPLOAD}${HOSTILE}`, `partNumber=1&${UPLOAD}x`, `partNumber=${HOSTILE}&${UPLOAD}x`],
];
const PARAMETERS = [
  'prefix',
  'delimiter',
  'encoding-type',
  'marker',
  'key-marker',
  'upload-id-marker',
  'version-id-marker',
  'continuation-token',
  'start-after',
  'max-keys',
  'max-uploads',
  'max-parts',
  'part-number-marker',
  'partNumber',
  'versionId',
  'response-expires',
  'max-buckets',
  HOSTILE,
];
const PLACES = ['/', `/${HOSTILE}`, '/echoes', `/missing`, `/echoes/${HOSTILE}`, `/echoes/${HOSTILE}x`];

it.each(['GET', 'PUT', 'POST', 'DELETE', 'PATCH'])('%s of whatever is answered in XML', async (method) => {
  for (const place of PLACES) {
    // Not of the one bucket that the others need.
    if (place === '/echoes' && method === 'DELETE') continue;
    for (const subresource of SUBRESOURCES) {
      for (const parameter of ['', ...PARAMETERS.map((name) => `${name}=${HOSTILE}`)]) {
        const path = `${place}?encoding-type=url&${subresource}&${parameter}`;
        const answer = await world.alice.send({ method, path, ...(method === 'GET' ? {} : { body: '' }) });
        if (answer.headers['content-type'] === 'application/xml') parseStrictly(answer.text);
      }
    }
  }
});

it('whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      parseStrictly(element('a', leaf('b', text.toWellFormed())));
    }),
  );
  const replaced = Array.from({ length: 0xd800 }, (_, code) => code)
    .concat([0xe000, 0xfffc, 0xfffd, 0xfffe, 0xffff, 0x10ffff])
    .filter((code) => leaf('b', String.fromCodePoint(code)) === '<b>\ufffd</b>');
  expect(replaced.filter((code) => code !== 0xfffd && isXmlCharacter(code))).toEqual([]);
  expect(replaced).toHaveLength(29 + 1 + 2);
});
