/** XML bodies: bombs, nonsense, and lists that break S3's rules. */
import { createHash } from 'node:crypto';
import { type Expectation, type Row, signed, type Wire, wire } from './row.ts';
import type { Target } from './target.ts';

const MALFORMED: Expectation = { status: 400, code: 'MalformedXML' };
const NOTHING_DELETED: Expectation = { status: 200, contains: '<Error>' };
const md5 = (text: string | Buffer): string => createHash('md5').update(text).digest('base64');

const deletion =
  (body: string | Buffer) =>
  (target: Target): Wire =>
    wire(
      signed(target, {
        method: 'POST',
        path: `/${target.bucket}?delete`,
        headers: [['Content-MD5', md5(body)]],
        body,
      }),
    );

const completion =
  (body: (target: Target) => string) =>
  (target: Target): Wire =>
    wire(
      signed(target, {
        method: 'POST',
        path: `/${target.bucket}/upload?uploadId=${target.uploadId}`,
        body: body(target),
      }),
    );

const tagging =
  (body: string) =>
  (target: Target): Wire =>
    wire(signed(target, { method: 'PUT', path: `/${target.bucket}/seed?tagging`, body }));

const deleteSeed = (inner = ''): string => `<Delete>${inner}<Object><Key>seed</Key></Object></Delete>`;
const part = (number: number | string, etag: string): string =>
  `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`;
const complete = (parts: string): string => `<CompleteMultipartUpload>${parts}</CompleteMultipartUpload>`;
const tag = (key: string, value: string): string => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`;
const tags = (inner: string): string => `<Tagging><TagSet>${inner}</TagSet></Tagging>`;

const LAUGHS = Array.from({ length: 10 }, (_, level) =>
  level === 0 ? '<!ENTITY l0 "lol">' : `<!ENTITY l${level} "${`&l${level - 1};`.repeat(10)}">`,
).join('');

export const documents: readonly Row[] = [
  {
    name: 'a billion laughs',
    send: deletion(`<?xml version="1.0"?><!DOCTYPE d [${LAUGHS}]>${deleteSeed('<Quiet>&l9;</Quiet>')}`),
    expect: MALFORMED,
  },
  {
    name: 'an external entity',
    send: deletion(
      `<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&x;</Key></Object></Delete>`,
    ),
    expect: MALFORMED,
  },
  { name: 'a DOCTYPE alone', send: deletion(`<!DOCTYPE Delete>${deleteSeed()}`), expect: MALFORMED },
  {
    name: 'an entity that is not defined',
    send: deletion('<Delete><Object><Key>&seed;</Key></Object></Delete>'),
    expect: MALFORMED,
  },
  {
    name: 'a reference past the last character',
    send: deletion('<Delete><Object><Key>&#x110000;</Key></Object></Delete>'),
    expect: MALFORMED,
  },
  {
    name: 'a hundred thousand levels',
    send: deletion(`<Delete>${'<a>'.repeat(100_000)}${'</a>'.repeat(100_000)}</Delete>`),
    expect: MALFORMED,
  },
  {
    name: 'a hundred thousand attributes',
    send: deletion(`<Delete ${Array.from({ length: 100_000 }, (_, at) => `a${at}=""`).join(' ')}></Delete>`),
    expect: MALFORMED,
  },
  {
    name: 'eight megabytes of blanks',
    send: deletion(deleteSeed(' '.repeat(8 << 20))),
    expect: { status: 400, code: 'MaxMessageLengthExceeded' },
  },
  {
    name: 'a body announced at a terabyte',
    send: (target) =>
      wire({
        ...signed(target, {
          method: 'POST',
          path: `/${target.bucket}?delete`,
          headers: [
            ['Content-MD5', md5('')],
            ['Content-Length', String(2 ** 40)],
          ],
        }),
      }),
    expect: { status: 400, code: 'MaxMessageLengthExceeded' },
  },
  { name: 'text that is no XML', send: deletion('seed'), expect: MALFORMED },
  { name: 'JSON', send: deletion('{"Delete":{"Object":{"Key":"seed"}}}'), expect: MALFORMED },
  { name: 'no body', send: deletion(''), expect: { status: 400, code: 'MissingRequestBodyError' } },
  { name: 'an element that is not closed', send: deletion('<Delete><Object>'), expect: MALFORMED },
  {
    name: 'elements that cross',
    send: deletion('<Delete><Object><Key>seed</Object></Key></Delete>'),
    expect: MALFORMED,
  },
  { name: 'two documents', send: deletion(`${deleteSeed()}${deleteSeed()}`), expect: MALFORMED },
  {
    name: 'another root',
    send: deletion('<Remove><Object><Key>seed</Key></Object></Remove>'),
    expect: MALFORMED,
  },
  {
    name: 'bytes that are not UTF-8',
    send: deletion(Buffer.from(deleteSeed().replace('seed', 'se\xe9d'), 'latin1')),
    expect: MALFORMED,
  },
  {
    name: 'an object without a key',
    send: deletion('<Delete><Object></Object></Delete>'),
    expect: MALFORMED,
  },
  {
    name: 'an object with two keys',
    send: deletion('<Delete><Object><Key>seed</Key><Key>upload</Key></Object></Delete>'),
    expect: MALFORMED,
  },
  { name: 'nothing to delete', send: deletion('<Delete></Delete>'), expect: MALFORMED },
  {
    name: '1,001 keys',
    send: deletion(`<Delete>${'<Object><Key>seed</Key></Object>'.repeat(1001)}</Delete>`),
    expect: MALFORMED,
  },
  {
    name: 'a key of 1,025 bytes',
    send: deletion(`<Delete><Object><Key>${'k'.repeat(1025)}</Key></Object></Delete>`),
    expect: { ...NOTHING_DELETED, contains: '<Code>KeyTooLongError</Code>' },
  },
  {
    name: 'a version that does not exist',
    send: deletion('<Delete><Object><Key>seed</Key><VersionId>v1</VersionId></Object></Delete>'),
    expect: { ...NOTHING_DELETED, contains: '<Code>NoSuchVersion</Code>' },
  },
  {
    name: 'the wrong Content-MD5',
    send: (target) =>
      wire(
        signed(target, {
          method: 'POST',
          path: `/${target.bucket}?delete`,
          headers: [['Content-MD5', md5('x')]],
          body: deleteSeed(),
        }),
      ),
    expect: { status: 400, code: 'BadDigest' },
  },
  {
    name: 'no digest',
    send: (target) =>
      wire(signed(target, { method: 'POST', path: `/${target.bucket}?delete`, body: deleteSeed() })),
    expect: { status: 400, code: 'InvalidRequest' },
  },
  { name: 'complete: no parts', send: completion(() => complete('')), expect: MALFORMED },
  {
    name: 'complete: 10,001 parts',
    send: completion(({ partEtag }) =>
      complete(Array.from({ length: 10_001 }, (_, at) => part(at + 1, partEtag)).join('')),
    ),
    expect: { status: 400, code: 'InvalidArgument' },
  },
  {
    name: 'complete: a part that was never uploaded',
    send: completion(({ partEtag }) => complete(part(3, partEtag))),
    expect: { status: 400, code: 'InvalidPart' },
  },
  {
    name: 'complete: another ETag',
    send: completion(() => complete(part(1, '"d41d8cd98f00b204e9800998ecf8427e"'))),
    expect: { status: 400, code: 'InvalidPart' },
  },
  {
    name: 'complete: the same part twice',
    send: completion(({ partEtag }) => complete(part(1, partEtag).repeat(2))),
    expect: { status: 400, code: 'InvalidPartOrder' },
  },
  {
    name: 'complete: parts backwards',
    send: completion(({ partEtag }) => complete(part(2, partEtag) + part(1, partEtag))),
    expect: { status: 400, code: 'InvalidPartOrder' },
  },
  {
    name: 'complete: part 0',
    send: completion(({ partEtag }) => complete(part(0, partEtag))),
    expect: { status: 400, code: 'InvalidArgument' },
  },
  {
    name: 'complete: a part number that is none',
    send: completion(({ partEtag }) => complete(part('one', partEtag))),
    expect: MALFORMED,
  },
  {
    name: 'complete: a part without a number',
    send: completion(({ partEtag }) => complete(`<Part><ETag>${partEtag}</ETag></Part>`)),
    expect: MALFORMED,
  },
  {
    name: 'tags: eleven',
    send: tagging(tags(Array.from({ length: 11 }, (_, at) => tag(`k${at}`, 'v')).join(''))),
    expect: { status: 400, code: 'InvalidTag' },
  },
  {
    name: 'tags: one key twice',
    send: tagging(tags(tag('k', '1') + tag('k', '2'))),
    expect: { status: 400, code: 'InvalidTag' },
  },
  {
    name: 'tags: a key of 129 characters',
    send: tagging(tags(tag('k'.repeat(129), 'v'))),
    expect: { status: 400, code: 'InvalidTag' },
  },
  {
    name: 'tags: a value of 257 characters',
    send: tagging(tags(tag('k', 'v'.repeat(257)))),
    expect: { status: 400, code: 'InvalidTag' },
  },
  { name: 'tags: no set', send: tagging('<Tagging></Tagging>'), expect: MALFORMED },
  {
    name: 'a bucket whose location is nonsense',
    send: (target) =>
      wire(
        signed(target, {
          method: 'PUT',
          path: '/hostile-new',
          body: '<CreateBucketConfiguration><LocationConstraint>../..</LocationConstraint></CreateBucketConfiguration>',
        }),
      ),
    expect: { status: 400, code: 'InvalidLocationConstraint' },
  },
];
