/** What is told of a request when it is over: to operators in a log, to whoever has to find out what went wrong. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Target } from './addressing.ts';
import type { S3Error } from './errors.ts';
import type { RequestBody } from './http/requestBody.ts';
import type { Asked } from './request.ts';
import { nameOperation } from './router.ts';

/** What has become known of a request on its way. */
export interface Trail {
  requestId: string;
  target?: Target;
  asked?: Asked;
  /** What the answer is instead of what was asked for, or why it ends too early. */
  refusal?: S3Error;
  operation?: string;
  account?: string;
  body?: RequestBody;
}

export interface RequestRecord {
  /** Also in the answer's `x-amz-request-id`. */
  readonly requestId: string;
  /** Absent where there was no request that HTTP's parser understands. */
  readonly method?: string;
  readonly bucket?: string;
  readonly key?: string;
  /**
   * S3's name of it; of what this door lacks, method and subresource, as in `PUT ?policy`. Absent where the request
   * is none of S3's.
   */
  readonly operation?: string;
  /** Absent when nothing was answered: the client was gone. */
  readonly status?: number;
  /** S3's code of a refusal or a failure; also where the answer had begun. */
  readonly error?: string;
  /** Whether the client was there to the end of its answer. */
  readonly complete: boolean;
  /** Of the body, as sent: framing and trailers included. */
  readonly bytesIn: number;
  /** Head and body, as sent; before TLS. */
  readonly bytesOut: number;
  readonly durationMs: number;
  /** Who signed it; absent where that could not be verified. */
  readonly account?: string;
  readonly remoteAddress?: string;
}

/** A request in numbers, for who counts them: cheap enough to be made of each. */
export interface RequestOutcome {
  /** As {@link RequestRecord} has it. */
  readonly operation: string | undefined;
  /** Undefined when nothing was answered: the client was gone. */
  readonly status: number | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly durationMs: number;
}

/** The bucket and key that a request named, as far as it did. */
export function namesOf({ target }: Trail): { readonly bucket?: string; readonly key?: string } {
  if (target === undefined || target.level === 'service') return {};
  if (target.level === 'bucket') return { bucket: target.bucket };
  return { bucket: target.bucket, key: target.key.toString('utf8') };
}

/** To be made when a request begins. */
export class RequestWatch {
  readonly #incoming: IncomingMessage;
  readonly #response: ServerResponse;
  /** Held on to, since a response that is over has let go of it. */
  readonly #socket: Socket;
  readonly #writtenBefore: number;
  readonly #began = performance.now();

  constructor(incoming: IncomingMessage, response: ServerResponse) {
    this.#incoming = incoming;
    this.#response = response;
    this.#socket = incoming.socket;
    this.#writtenBefore = incoming.socket.bytesWritten;
  }

  /** To be asked when the request is over. */
  outcome(trail: Trail): RequestOutcome {
    return {
      operation: operationOf(trail),
      status: this.#response.headersSent ? this.#response.statusCode : undefined,
      bytesIn: trail.body?.bytesRead ?? 0,
      bytesOut: this.#socket.bytesWritten - this.#writtenBefore,
      durationMs: performance.now() - this.#began,
    };
  }

  /** @param remoteAddress as it was when the request began: a socket that is closed may not know it any more */
  record(
    trail: Trail,
    {
      outcome: { operation, status, ...numbers },
      remoteAddress,
    }: { readonly outcome: RequestOutcome; readonly remoteAddress: string | undefined },
  ): RequestRecord {
    const response = this.#response;
    return {
      requestId: trail.requestId,
      method: this.#incoming.method ?? '',
      ...namesOf(trail),
      ...(operation === undefined ? {} : { operation }),
      ...(status === undefined ? {} : { status }),
      ...errorOf(trail),
      complete: response.writableFinished || (response.writableEnded && !response.destroyed),
      bytesIn: numbers.bytesIn,
      bytesOut: numbers.bytesOut,
      durationMs: Math.round(numbers.durationMs * 1000) / 1000,
      ...(trail.account === undefined ? {} : { account: trail.account }),
      ...(remoteAddress === undefined ? {} : { remoteAddress }),
    };
  }
}

/** Of a request that was refused before it was looked up, what it would have been. */
function operationOf({ operation, asked }: Trail): string | undefined {
  return operation ?? (asked && nameOperation(asked));
}

/** That nothing has changed is no error, though S3 has a code for it. */
function errorOf({ refusal }: Trail): { readonly error?: string } {
  return refusal === undefined || refusal.status === 304 ? {} : { error: refusal.code };
}

/** The record of what was refused by HTTP's parser: nothing of it is known but that it came. */
export function unreadableRequest(
  refused: Pick<RequestRecord, 'requestId' | 'bytesOut'> & {
    readonly refusal: S3Error;
    readonly remoteAddress: string | undefined;
  },
): RequestRecord {
  const { remoteAddress, refusal, ...known } = refused;
  return {
    ...known,
    status: refusal.status,
    error: refusal.code,
    complete: false,
    bytesIn: 0,
    durationMs: 0,
    ...(remoteAddress === undefined ? {} : { remoteAddress }),
  };
}
