import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NoReply, WrongReply } from '../src/faults.ts';
import { callRecord, readCall, readReply, replyRecord, takeRecord } from '../src/message.ts';
import { NFS_PROGRAM, OK, PROCEDURES, replyOf } from '../src/nfs3.ts';
import {
  handleFound,
  handleMade,
  readChanged,
  readCommitted,
  readData,
  readSizeBytes,
  readWritten,
} from '../src/results.ts';
import { opaque, words } from '../src/xdr.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

/** REMOVE of `a` below the handle `root`. */
const CALL = hex(`
  80000058  01020304 00000000 00000002 000186a3 00000003 0000000c
  00000001 00000020 00000000 0000000a 6e66732d636c69656e740000 00000000 00000000 00000000
  00000000 00000000
  00000004 726f6f74 00000001 61000000`);
const REMOVE = {
  xid: 0x0102_0304,
  program: NFS_PROGRAM,
  procedure: PROCEDURES.REMOVE,
  args: Buffer.concat([opaque('root'), opaque('a')]),
};
/** NFS3ERR_NOENT, and `wcc_data` that says nothing. */
const REPLY = hex(
  '80000024  01020304 00000001 00000000 00000000 00000000 00000000  00000002 00000000 00000000',
);

test('a call and a reply, as RFC 5531 and RFC 1813 have them', () => {
  expect(callRecord(REMOVE).toString('hex')).toBe(CALL.toString('hex'));
  expect(readCall(CALL.subarray(4))).toEqual(REMOVE);
  const reply = { xid: 0x0102_0304, results: words(2, 0, 0) };
  expect(replyRecord(reply).toString('hex')).toBe(REPLY.toString('hex'));
  expect(readReply(REPLY.subarray(4))).toEqual(reply);
});

test('a record is taken when all its fragments are there, and what follows it is left', () => {
  const fragments = Buffer.concat([
    words(3),
    Buffer.from('abc'),
    words(0),
    words(0x8000_0002),
    Buffer.from('de'),
  ]);
  const stream = Buffer.concat([fragments, Buffer.from('next')]);
  for (let length = 0; length < fragments.length; length += 1) {
    expect(takeRecord(stream.subarray(0, length))).toBeUndefined();
  }
  expect(takeRecord(stream)).toEqual({ record: Buffer.from('abcde'), rest: Buffer.from('next') });
});

test('a record is refused as soon as it is announced to be too long', () => {
  expect(() => takeRecord(words(0x8020_0001))).toThrow(WrongReply);
  const nearly = Buffer.concat([words(4), Buffer.alloc(4), words(0x801f_fffd)]);
  expect(() => takeRecord(nearly)).toThrow(WrongReply);
});

const READERS = {
  readCall,
  readReply,
  replyOf,
  takeRecord,
  ...Object.fromEntries(
    Object.entries({ handleFound, handleMade, readCommitted, readData, readSizeBytes, readWritten }).map(
      ([name, read]) => [name, (results: Buffer) => read({ status: OK, results })],
    ),
  ),
  readChanged: (results: Buffer) => readChanged({ status: OK, results }, 2),
};

test.each(Object.entries(READERS))('%s reads any bytes, or says that they are wrong', (_, read) => {
  const word = fc.oneof(fc.constantFrom(0, 1, 2, 4, 64, 0x8000_0010), fc.nat());
  const likely = fc.array(word).map((values) => words(...values));
  const any = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(likely, any), (bytes) => {
      try {
        read(bytes);
      } catch (error) {
        if (!(error instanceof WrongReply)) throw error;
      }
    }),
  );
});

test('what was not done has no results', () => {
  expect(() => handleFound({ status: 2, results: words(0) })).toThrow(WrongReply);
  expect(new WrongReply('')).not.toBeInstanceOf(NoReply);
});
