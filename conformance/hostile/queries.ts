/** Query parameters out of bounds, and subresources that are none. */
import { type Expectation, type Row, signed, type Wire, wire } from './row.ts';
import type { Target } from './target.ts';

const ARGUMENT: Expectation = { status: 400, code: 'InvalidArgument' };
const NO_UPLOAD: Expectation = { status: 404, code: 'NoSuchUpload' };
const MISSING: Expectation = { status: 501, code: 'NotImplemented' };

const list =
  (query: string) =>
  (target: Target): Wire =>
    wire(signed(target, { path: `/${target.bucket}?${query}` }));

const seed =
  (query: string, method = 'GET') =>
  (target: Target): Wire =>
    wire(signed(target, { method, path: `/${target.bucket}/seed?${query}` }));

const uploadPart =
  (partNumber: string, uploadId?: string) =>
  (target: Target): Wire =>
    wire(
      signed(target, {
        method: 'PUT',
        path: `/${target.bucket}/upload?partNumber=${partNumber}&uploadId=${uploadId ?? target.uploadId}`,
        body: 'part',
      }),
    );

export const queries: readonly Row[] = [
  { name: 'max-keys below zero', send: list('max-keys=-1'), expect: ARGUMENT },
  { name: 'max-keys that is no number', send: list('list-type=2&max-keys=x'), expect: ARGUMENT },
  { name: 'max-keys past what a number holds', send: list(`max-keys=${'9'.repeat(40)}`), expect: ARGUMENT },
  {
    name: 'max-keys of a million: a page has a thousand',
    send: list('max-keys=999999'),
    expect: { status: 200, contains: '<MaxKeys>1000</MaxKeys>' },
  },
  { name: 'an encoding type that does not exist', send: list('encoding-type=x'), expect: ARGUMENT },
  { name: 'a list type that does not exist', send: list('list-type=3'), expect: ARGUMENT },
  {
    name: 'a continuation token that is none',
    send: list('list-type=2&continuation-token=x'),
    expect: ARGUMENT,
  },
  { name: 'a prefix that is not UTF-8', send: list('prefix=%ff'), expect: ARGUMENT },
  {
    name: 'a query that cannot be decoded',
    send: list('prefix=%zz'),
    expect: { status: 400, code: 'InvalidURI' },
  },
  {
    name: 'a version marker without a key marker',
    send: list('versions&version-id-marker=null'),
    expect: ARGUMENT,
  },
  { name: 'max-uploads below zero', send: list('uploads&max-uploads=-1'), expect: ARGUMENT },
  { name: 'an upload that does not exist', send: uploadPart('1', 'nonsense'), expect: NO_UPLOAD },
  { name: 'an upload id of 4 KiB', send: uploadPart('1', 'u'.repeat(4096)), expect: NO_UPLOAD },
  { name: 'an upload id that is a path', send: uploadPart('1', '..%2F..%2Fetc'), expect: NO_UPLOAD },
  {
    name: "another key's upload",
    send: (target) =>
      wire(
        signed(target, {
          method: 'PUT',
          path: `/${target.bucket}/other?partNumber=1&uploadId=${target.uploadId}`,
          body: 'part',
        }),
      ),
    expect: NO_UPLOAD,
  },
  {
    name: 'an abort of an upload that does not exist',
    send: (target) =>
      wire(signed(target, { method: 'DELETE', path: `/${target.bucket}/upload?uploadId=nonsense` })),
    expect: NO_UPLOAD,
  },
  { name: 'part number 0', send: uploadPart('0'), expect: ARGUMENT },
  { name: 'part number 10,001', send: uploadPart('10001'), expect: ARGUMENT },
  { name: 'part number x', send: uploadPart('x'), expect: ARGUMENT },
  { name: 'part number -1', send: uploadPart('-1'), expect: ARGUMENT },
  { name: 'part number 1.5', send: uploadPart('1.5'), expect: ARGUMENT },
  {
    name: 'parts listed from a marker that is no number',
    send: (target) =>
      wire(
        signed(target, { path: `/${target.bucket}/upload?uploadId=${target.uploadId}&part-number-marker=x` }),
      ),
    expect: ARGUMENT,
  },
  { name: 'GET of part 0', send: seed('partNumber=0'), expect: ARGUMENT },
  {
    name: 'GET of part 2 of one',
    send: seed('partNumber=2'),
    expect: { status: 416, code: 'InvalidPartNumber' },
  },
  { name: 'a version id that cannot be one', send: seed('versionId=%00'), expect: ARGUMENT },
  { name: 'an empty version id', send: seed('versionId='), expect: ARGUMENT },
  {
    name: 'DELETE of a version that does not exist',
    send: seed('versionId=nonsense', 'DELETE'),
    expect: { status: 404, code: 'NoSuchVersion' },
  },
  { name: 'torrent', send: seed('torrent'), expect: MISSING },
  { name: 'retention', send: seed('retention'), expect: MISSING },
  { name: 'DELETE with a subresource that has none', send: seed('restore', 'DELETE'), expect: MISSING },
  {
    name: 'a bucket policy put',
    send: (target) => wire(signed(target, { method: 'PUT', path: `/${target.bucket}?policy`, body: '{}' })),
    expect: MISSING,
  },
  {
    name: 'DELETE of the bucket by a subresource it does not know',
    send: (target) => wire(signed(target, { method: 'DELETE', path: `/${target.bucket}?inventory` })),
    expect: MISSING,
  },
  {
    name: 'a select',
    send: (target) =>
      wire(
        signed(target, { method: 'POST', path: `/${target.bucket}/seed?select&select-type=2`, body: '<x/>' }),
      ),
    expect: MISSING,
  },
  {
    name: 'DELETE of a bucket that is not empty',
    send: (target) => wire(signed(target, { method: 'DELETE', path: `/${target.bucket}` })),
    expect: { status: 409, code: 'BucketNotEmpty' },
  },
];
