import { expect, it } from 'vitest';
import { inodeId, timestamp } from '../../src/ids.ts';
import { decodeCall, encodeCall } from '../../src/meta/records/call.ts';

it('a record of an answered call reads back as it was written', () => {
  const named = { inode: inodeId(5), generation: 2 ** 32 - 1, isNew: false };
  for (const call of [
    { xid: 2 ** 32 - 1, checksum: 2 ** 53 - 1, answered: timestamp(1n) },
    { xid: 0, checksum: 0, answered: timestamp(5n), named },
  ]) {
    expect(decodeCall(encodeCall(call))).toEqual(call);
  }
});
