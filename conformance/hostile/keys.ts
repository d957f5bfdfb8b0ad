/** Keys and bucket names that are none, and paths that try to be something else. */
import { type Expectation, type Row, signed, type Wire, wire } from './row.ts';
import type { Target } from './target.ts';

const URI: Expectation = { status: 400, code: 'InvalidURI' };
const TOO_LONG: Expectation = { status: 400, code: 'KeyTooLongError' };
const BUCKET_NAME: Expectation = { status: 400, code: 'InvalidBucketName' };
const NO_KEY: Expectation = { status: 404, code: 'NoSuchKey' };

const putKey =
  (key: string) =>
  (target: Target): Wire =>
    wire(signed(target, { method: 'PUT', path: `/${target.bucket}/${key}`, body: 'data' }));

const getKey =
  (key: string) =>
  (target: Target): Wire =>
    wire(signed(target, { path: `/${target.bucket}/${key}` }));

const createBucket =
  (name: string) =>
  (target: Target): Wire =>
    wire(signed(target, { method: 'PUT', path: `/${name}` }));

export const keys: readonly Row[] = [
  { name: '1,025 bytes', send: putKey('k'.repeat(1025)), expect: TOO_LONG },
  { name: '342 characters of three bytes', send: putKey('%E2%82%AC'.repeat(342)), expect: TOO_LONG },
  { name: '1,025 bytes read', send: getKey('k'.repeat(1025)), expect: TOO_LONG },
  { name: 'not UTF-8', send: putKey('%AE%8A-'), expect: URI },
  { name: 'a surrogate as UTF-8', send: putKey('%ED%A0%80'), expect: URI },
  { name: 'an overlong slash', send: putKey('..%C0%AF..'), expect: URI },
  { name: 'a percent sign without digits', send: putKey('100%'), expect: URI },
  { name: 'a percent sign with letters', send: putKey('a%zzb'), expect: URI },
  { name: 'a percent sign with one digit', send: putKey('a%2'), expect: URI },
  { name: 'a blank in the request line', send: putKey('a b'), expect: { status: 400, code: 'BadRequest' } },
  { name: 'dots up to the root', send: getKey('../../../../etc/passwd'), expect: NO_KEY },
  { name: 'encoded dots up to the root', send: getKey('..%2F..%2F..%2Fetc%2Fpasswd'), expect: NO_KEY },
  { name: 'dots to the neighbour', send: getKey('../hostile-strangers/theirs'), expect: NO_KEY },
  { name: 'the key with a slash behind', send: getKey('seed/'), expect: NO_KEY },
  { name: 'the key with a slash before', send: getKey('/seed'), expect: NO_KEY },
  { name: 'the key under itself', send: getKey('seed/seed'), expect: NO_KEY },
  { name: 'the key in capitals', send: getKey('SEED'), expect: NO_KEY },
  { name: 'the key and a NUL', send: getKey('seed%00'), expect: NO_KEY },
  {
    name: 'a path without a slash',
    send: (target) => wire({ ...signed(target, { path: '/' }), path: 'seed' }),
    expect: { status: 400, code: 'BadRequest' },
  },
  {
    name: 'no bucket before the key',
    send: (target) => wire(signed(target, { method: 'PUT', path: '//seed', body: 'data' })),
    expect: BUCKET_NAME,
  },
  {
    name: 'a bucket that does not exist',
    send: (target) => wire(signed(target, { method: 'PUT', path: '/hostile-missing/new', body: 'data' })),
    expect: { status: 404, code: 'NoSuchBucket' },
  },
  { name: 'a bucket in capitals', send: createBucket('Hostile'), expect: BUCKET_NAME },
  { name: 'a bucket of two characters', send: createBucket('ab'), expect: BUCKET_NAME },
  { name: 'a bucket of 64 characters', send: createBucket('b'.repeat(64)), expect: BUCKET_NAME },
  { name: 'a bucket like an address', send: createBucket('192.168.5.4'), expect: BUCKET_NAME },
  { name: 'a bucket with two dots', send: createBucket('host..ile'), expect: BUCKET_NAME },
  { name: 'a bucket with an underscore', send: createBucket('host_ile'), expect: BUCKET_NAME },
  { name: 'a bucket that ends in a hyphen', send: createBucket('hostile-'), expect: BUCKET_NAME },
  { name: 'a bucket under a reserved prefix', send: createBucket('xn--hostile'), expect: BUCKET_NAME },
  { name: 'a bucket under a reserved suffix', send: createBucket('hostile-s3alias'), expect: BUCKET_NAME },
  { name: 'a bucket called ..', send: createBucket('..'), expect: BUCKET_NAME },
  { name: 'a bucket with an encoded slash', send: createBucket('host%2File'), expect: BUCKET_NAME },
  {
    name: "somebody else's bucket created again",
    send: (target) => createBucket(target.strangersBucket)(target),
    expect: { status: 409, code: 'BucketAlreadyExists' },
  },
];
