/**
 * Calls of a Linux 6.1 kernel (User-Mode Linux, host name `cap`) as they came over TCP, credentials and all before the
 * arguments left out: lockf() of 100 bytes at 10, lockf() shared from 300 on, unlocking 20 bytes at 50, flock(), F_GETLK,
 * and lockf() that waits. The test result is the one the kernel made F_GETLK's answer of.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OFFSET_END } from '../../src/locks/segments.ts';
import {
  rangeOf,
  readCancelArgs,
  readLockArgs,
  readNotice,
  readResult,
  readShareArgs,
  readTestArgs,
  readUnlockArgs,
  writeGrantArgs,
  writeNotice,
  writeResult,
  writeShareResult,
  writeTestResult,
} from '../../src/locks/wire.ts';
import { XdrError } from '../../src/xdr/error.ts';
import { XdrReader } from '../../src/xdr/reader.ts';
import type { XdrWriter } from '../../src/xdr/writer.ts';

const NAME_AND_HANDLE = '00000003636170000000001c01000000000000010000000000000002c111c22bc975ca181c3decad';
const COOKIE_35 = '000000043512000000000000';
const LOCK_100_AT_10 =
  '00000004351200000000000000000001' +
  NAME_AND_HANDLE +
  '00000005304063617000000000000000000000000000000a00000000000000640000000000000003';
const LOCK_SHARED_AT_300 =
  '00000004361200000000000100000000' +
  NAME_AND_HANDLE +
  '0000000530406361700000000000000000000000' +
  '0000012c00000000000000000000000000000003';
const UNLOCK_20_AT_50 = `0000000437120000${NAME_AND_HANDLE}0000000530406361700000000000000000000000000000320000000000000014`;
const TEST =
  '000000043a12000000000001' +
  NAME_AND_HANDLE +
  '0000000532406361700000000000000200000000000000000000000000000000';
const HELD =
  '000000043a120000000000010000000100000001000000053140636170000000' + '00000000000000000000000000000000';

const reader = (hex: string): XdrReader => new XdrReader(Buffer.from(hex, 'hex'));
const bytesOf = (writer: XdrWriter): Buffer => Buffer.concat(writer.pieces);
const hexOf = (writer: XdrWriter): string => bytesOf(writer).toString('hex');
const handle = Buffer.from('01000000000000010000000000000002c111c22bc975ca181c3decad', 'hex');
const lock = { callerName: 'cap', handle, oh: Buffer.from('0@cap'), svid: 0 };

describe('calls of a kernel', () => {
  test('LOCK', () => {
    expect(readLockArgs(reader(LOCK_100_AT_10))).toEqual({
      cookie: Buffer.from('35120000', 'hex'),
      lock: { ...lock, offset: 10n, length: 100n },
      mode: 'exclusive',
      ...{ block: false, reclaim: false, state: 3 },
    });
    expect(readLockArgs(reader(LOCK_SHARED_AT_300))).toMatchObject({
      lock: { ...lock, offset: 300n, length: 0n },
      ...{ mode: 'shared', block: true, reclaim: false, state: 3 },
    });
    expect(hexOf(writeResult(Buffer.from('35120000', 'hex'), 'GRANTED'))).toBe(COOKIE_35);
  });

  test('UNLOCK', () => {
    expect(readUnlockArgs(reader(UNLOCK_20_AT_50)).lock).toEqual({ ...lock, offset: 50n, length: 20n });
  });

  test('TEST, and its answer', () => {
    const { cookie, mode, lock: asked } = readTestArgs(reader(TEST));
    expect([mode, asked.svid, asked.oh.toString(), rangeOf(asked)]).toEqual([
      ...['exclusive', 2, '2@cap'],
      { start: 0n, end: OFFSET_END },
    ]);
    const holder = { exclusive: true, svid: 1, oh: Buffer.from('1@cap') };
    expect(hexOf(writeTestResult(cookie, { ...holder, range: { start: 0n, end: OFFSET_END } }))).toBe(HELD);
  });
});

describe('what is written can be read', () => {
  const bytes = (max: number) => fc.uint8Array({ maxLength: max }).map((array) => Buffer.from(array));
  const offsets = fc.bigInt({ min: 0n, max: OFFSET_END - 1n });
  const aLock = fc.record({
    callerName: bytes(255).map((name) => name.toString('latin1')),
    handle: bytes(64),
    oh: bytes(255),
    svid: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    offset: offsets,
    length: offsets,
  });

  test('GRANTED', () => {
    fc.assert(
      fc.property(bytes(1024), aLock, fc.constantFrom('shared', 'exclusive'), (cookie, asked, mode) => {
        const read = readTestArgs(new XdrReader(bytesOf(writeGrantArgs(cookie, { lock: asked, mode }))));
        expect(read).toMatchObject({ cookie, mode, lock: asked });
      }),
    );
  });

  test('results and notices', () => {
    const cookie = Buffer.from('cookie');
    for (const stat of ['GRANTED', 'DENIED', 'BLOCKED', 'STALE_FH', 'FAILED'] as const) {
      expect(readResult(new XdrReader(bytesOf(writeResult(cookie, stat))))).toEqual({ cookie, stat });
    }
    expect(readResult(reader('000000000000000a')).stat).toBe(undefined);
    expect(hexOf(writeShareResult(Buffer.alloc(0), 'DENIED'))).toBe('000000000000000100000000');
    const notice = { name: 'höst', state: 5 };
    expect(readNotice(new XdrReader(bytesOf(writeNotice(notice))))).toEqual(notice);
  });
});

test('a range may end at 2^64, and not pass it', () => {
  const range = (offset: bigint, length: bigint) => rangeOf({ offset, length });
  expect(range(5n, 3n)).toEqual({ start: 5n, end: 8n });
  expect(range(OFFSET_END - 1n, 1n)).toEqual({ start: OFFSET_END - 1n, end: OFFSET_END });
  expect(range(OFFSET_END - 1n, 2n)).toBe(undefined);
  expect(range(OFFSET_END - 1n, 0n)).toEqual({ start: OFFSET_END - 1n, end: OFFSET_END });
});

test.each([
  ['LOCK', readLockArgs, LOCK_100_AT_10],
  ['UNLOCK', readUnlockArgs, UNLOCK_20_AT_50],
  ['TEST', readTestArgs, TEST],
  ['CANCEL', readCancelArgs, LOCK_100_AT_10.slice(0, -16)],
  [
    'SHARE',
    readShareArgs,
    `${NAME_AND_HANDLE.slice(0, 16)}${NAME_AND_HANDLE}00000000000000010000000200000000`,
  ],
  ['NOTIFY', readNotice, '000000036361700000000003'],
] as const)('%s cut short or with more behind it is refused', (_name, read, hex) => {
  expect(() => read(reader(hex))).not.toThrow();
  expect(() => read(reader(`${hex}00000000`))).toThrow(XdrError);
  for (let length = 0; length < hex.length; length += 8) {
    expect(() => read(reader(hex.slice(0, length)))).toThrow(XdrError);
  }
});
