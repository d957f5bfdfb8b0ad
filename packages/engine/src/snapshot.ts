import type { Bytes, Entry, KeyRange, Op, ReadReply, ReadRequest, ReadTx } from './contract.ts';

/** One state of the store, read synchronously. */
export interface Snapshot {
  get(key: Bytes): Bytes | undefined;
  /** Bounds may be any bytes, also longer than a key may be. */
  range(range: KeyRange): readonly Entry[];
}

export function answer(snapshot: Snapshot, request: ReadRequest): ReadReply {
  switch (request.kind) {
    case 'get':
      return snapshot.get(request.key);
    case 'getMany':
      return request.keys.map((key) => snapshot.get(key));
    case 'range':
      return snapshot.range(request.range);
  }
}

/** Answers a request and runs on to the next one; an answer that fails is thrown where the operation waits. */
export function resume<T>(
  op: Op<T>,
  snapshot: Snapshot,
  request: ReadRequest,
): IteratorResult<ReadRequest, T> {
  let reply: ReadReply;
  try {
    reply = answer(snapshot, request);
  } catch (error) {
    return op.throw(error);
  }
  return op.next(reply);
}

/** Reads that yield: for engines where an answer takes time. */
export class YieldedReads implements ReadTx {
  *get(key: Bytes): Op<Bytes | undefined> {
    return (yield { kind: 'get', key }) as Bytes | undefined;
  }

  *getMany(keys: readonly Bytes[]): Op<readonly (Bytes | undefined)[]> {
    return (yield { kind: 'getMany', keys }) as readonly (Bytes | undefined)[];
  }

  *range(range: KeyRange): Op<readonly Entry[]> {
    return (yield { kind: 'range', range }) as readonly Entry[];
  }
}
