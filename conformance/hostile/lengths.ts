/** Lengths that lie: bodies shorter, longer or far larger than announced. */
import type { HeaderLine } from '../wire/sigv4.ts';
import { type Expectation, plusHeaders, put, type Row, signed, type Wire, wire } from './row.ts';
import type { Target } from './target.ts';

const INCOMPLETE: Expectation = { status: 400, code: 'IncompleteBody' };

const announced =
  (length: string, ending: Wire['ending'], headers: readonly HeaderLine[] = [], payload?: string) =>
  (target: Target): Wire => {
    const ask = put(target, [...headers, ['Content-Length', length]]);
    return wire(signed(target, ask, payload === undefined ? {} : { payload }), ending);
  };

export const lengths: readonly Row[] = [
  { name: 'a body that stops short', send: announced('5', 'half-close'), expect: INCOMPLETE },
  {
    name: 'an unsigned body that stops short',
    send: announced('5', 'half-close', [], 'UNSIGNED-PAYLOAD'),
    expect: INCOMPLETE,
  },
  { name: 'a client that goes away', send: announced('5000', 'reset'), expect: { status: 'none' } },
  {
    name: 'a part that stops short',
    send: (target) =>
      wire(
        signed(target, {
          method: 'PUT',
          path: `/${target.bucket}/upload?partNumber=2&uploadId=${target.uploadId}`,
          headers: [['Content-Length', '500']],
          body: 'data',
        }),
        'half-close',
      ),
    expect: INCOMPLETE,
  },
  {
    // The G could begin a next request: the server waits for more of it, and answers the first.
    name: 'a body longer than announced, signed whole',
    send: (target) => wire(signed(target, { ...put(target, [['Content-Length', '4']]), body: 'dataG' })),
    expect: { status: 400, code: 'XAmzContentSHA256Mismatch' },
  },
  {
    name: 'no length and no end',
    send: (target) => {
      const request = signed(target, put(target));
      const lines = request.headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
      return {
        bytes: Buffer.from(`PUT ${request.path} HTTP/1.1\r\n${lines}\r\n`, 'latin1'),
        method: 'PUT',
        ending: 'wait',
      };
    },
    expect: { status: 411, code: 'MissingContentLength' },
  },
  {
    name: 'a chunked transfer without a decoded length',
    send: (target) =>
      wire(
        plusHeaders({ ...signed(target, put(target)), body: Buffer.from('4\r\ndata\r\n0\r\n\r\n') }, [
          'Transfer-Encoding',
          'chunked',
        ]),
      ),
    expect: { status: 411, code: 'MissingContentLength' },
  },
  {
    name: 'more than 5 GiB announced',
    send: announced(String(5 * 2 ** 30 + 1), 'wait'),
    expect: { status: 400, code: 'EntityTooLarge' },
  },
  {
    name: 'more than 5 GiB announced, and 100 Continue awaited',
    send: announced(String(5 * 2 ** 30 + 1), 'wait', [['Expect', '100-continue']]),
    expect: { status: 400, code: 'EntityTooLarge' },
  },
  {
    name: 'a petabyte announced as a part',
    send: (target) =>
      wire(
        signed(target, {
          method: 'PUT',
          path: `/${target.bucket}/upload?partNumber=2&uploadId=${target.uploadId}`,
          headers: [['Content-Length', String(2 ** 50)]],
        }),
      ),
    expect: { status: 400, code: 'EntityTooLarge' },
  },
  {
    name: 'a second request hidden behind the first is judged by itself',
    send: (target) => {
      const first = wire(
        signed(target, { path: `/${target.bucket}/seed`, headers: [['Range', 'bytes=0-1']] }),
      );
      const { host, port } = target.caller.endpoint;
      const second = `DELETE /${target.bucket}/seed HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`;
      return { ...first, bytes: Buffer.concat([first.bytes, Buffer.from(second)]) };
    },
    expect: { status: 206, body: '01' },
  },
];
