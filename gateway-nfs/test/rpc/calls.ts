/** Calls of the program that worlds serve, and what is told by replies. */

import type { ReadReply } from '../../src/rpc/message.ts';
import { XdrWriter } from '../../src/xdr/writer.ts';
import type { RawCall } from './rawPeer.ts';
import { BLOB, ECHO } from './world.ts';

export const echo = (xid: number, text: string, procedure = ECHO): RawCall => ({
  ...{ xid, procedure, args: new XdrWriter().opaque(Buffer.from(text)) },
});
export const blob = (xid: number, lengthBytes: number): RawCall => ({
  ...{ xid, procedure: BLOB, args: new XdrWriter().uint32(lengthBytes) },
});

export function textOf(reply: ReadReply | undefined): string {
  if (reply === undefined || !('results' in reply)) return `no results: ${JSON.stringify(reply)}`;
  return reply.results.opaque(2 << 20).toString();
}
export const xidsOf = (replies: readonly ReadReply[]): number[] => replies.map(({ xid }) => xid);
