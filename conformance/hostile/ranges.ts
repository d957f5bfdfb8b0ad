/** Ranges: of ten bytes. What is no single range of bytes is ignored, as HTTP says. */
import { type Expectation, type Row, signed, wire } from './row.ts';
import { SEED_BODY, type Target } from './target.ts';

const WHOLE: Expectation = { status: 200, body: SEED_BODY };
const UNSATISFIABLE: Expectation = { status: 416, code: 'InvalidRange' };
const ARGUMENT: Expectation = { status: 400, code: 'InvalidArgument' };

const range = (value: string) => (target: Target) =>
  wire(signed(target, { path: `/${target.bucket}/seed`, headers: [['Range', value]] }));

const copyRange = (value: string) => (target: Target) =>
  wire(
    signed(target, {
      method: 'PUT',
      path: `/${target.bucket}/upload?partNumber=2&uploadId=${target.uploadId}`,
      headers: [
        ['x-amz-copy-source', `/${target.bucket}/seed`],
        ['x-amz-copy-source-range', value],
      ],
    }),
  );

const HUGE = '9'.repeat(60);

export const ranges: readonly Row[] = [
  { name: 'from the end on', send: range('bytes=10-'), expect: UNSATISFIABLE },
  { name: 'far behind the end', send: range('bytes=1000-2000'), expect: UNSATISFIABLE },
  { name: 'from past what a number holds', send: range(`bytes=${HUGE}-`), expect: UNSATISFIABLE },
  { name: 'the last 0 bytes', send: range('bytes=-0'), expect: UNSATISFIABLE },
  {
    name: 'up to past what a number holds',
    send: range(`bytes=8-${HUGE}`),
    expect: { status: 206, body: '89' },
  },
  {
    name: 'the last bytes, more than a number holds',
    send: range(`bytes=-${HUGE}`),
    expect: { status: 206, body: SEED_BODY },
  },
  { name: 'backwards', send: range('bytes=5-2'), expect: WHOLE },
  { name: 'below zero', send: range('bytes=-5-2'), expect: WHOLE },
  { name: 'no numbers', send: range('bytes=-'), expect: WHOLE },
  { name: 'letters', send: range('bytes=a-b'), expect: WHOLE },
  { name: 'another unit', send: range('lines=0-1'), expect: WHOLE },
  { name: 'two ranges', send: range('bytes=0-1,3-4'), expect: WHOLE },
  {
    name: 'a thousand ranges that overlap',
    send: range(`bytes=${Array.from({ length: 1000 }, () => '0-').join(',')}`),
    expect: WHOLE,
  },
  { name: 'part copy: backwards', send: copyRange('bytes=5-2'), expect: ARGUMENT },
  { name: 'part copy: open', send: copyRange('bytes=0-'), expect: ARGUMENT },
  { name: 'part copy: two ranges', send: copyRange('bytes=0-1,3-4'), expect: ARGUMENT },
  // S3 itself says InvalidArgument; ceph/s3-tests wants this, and SDKs tell neither apart.
  { name: 'part copy: past the end', send: copyRange('bytes=0-10'), expect: UNSATISFIABLE },
  { name: 'part copy: no unit', send: copyRange('0-2'), expect: ARGUMENT },
];
