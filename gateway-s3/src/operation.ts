/** What an S3 operation is to the gateway: a name, a typed input read from the head, and one call. */
import type { Account, Core, Volume } from '@facet/core';
import type { HashingThreads } from './hashing/hashingThreads.ts';
import type { Reply } from './http/reply.ts';
import type { RequestBody } from './http/requestBody.ts';
import type { Logger } from './log.ts';
import type { S3Request } from './request.ts';

/** What of the core this door needs: the store may be another process's. */
export type S3Core = Pick<Core, 'accounts' | 'objects' | 'volumes'>;

/** What every operation may use. */
export interface Call {
  readonly core: S3Core;
  readonly region: string;
  readonly log: Logger;
  readonly caller: Account;
  readonly body: RequestBody;
  readonly hashing: Pick<HashingThreads, 'open'>;
  /** Where the client found the bucket, without a slash at the end: what `Location` elements start with. */
  readonly bucketUrl: string;
}

/** On a bucket that exists and that the caller owns. */
export interface BucketCall extends Call {
  readonly bucket: Volume;
}

/** On a key, which may or may not exist. */
export interface ObjectCall extends BucketCall {
  readonly key: Buffer;
}

/** On a bucket's name: CreateBucket, the one operation that needs no bucket. */
export interface NameCall extends Call {
  readonly bucketName: string;
}

export interface Calls {
  readonly service: Call;
  readonly name: NameCall;
  readonly bucket: BucketCall;
  readonly object: ObjectCall;
}

export type Level = keyof Calls;

export interface OperationAt<L extends Level> {
  readonly level: L;
  readonly name: string;
  /** Reads and checks the typed input; what it returns makes the call. @throws S3Error */
  readonly prepare: (request: S3Request) => (call: Calls[L]) => Promise<Reply>;
}

export type Operation = { readonly [L in Level]: OperationAt<L> }[Level];

/** Ties an operation's input to its call, so that the router's table need not know the input's type. */
export function operation<L extends Level, Input>(definition: {
  readonly level: L;
  /** S3's own name. */
  readonly name: string;
  /** From query and headers alone: no byte of the body is read, no `100 Continue` is sent before it returns. */
  readonly input: (request: S3Request) => Input;
  readonly run: (call: Calls[L], input: Input) => Promise<Reply>;
}): OperationAt<L> {
  return {
    level: definition.level,
    name: definition.name,
    prepare: (request) => {
      const input = definition.input(request);
      return (call) => definition.run(call, input);
    },
  };
}
