/** What is told of a request when it is over: to operators in a log, to whoever has to find out what went wrong. */

import type { IncomingMessage, ServerResponse } from 'node:http';
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

/** The bucket and key that a request named, as far as it did. */
export function namesOf({ target }: Trail): { readonly bucket?: string; readonly key?: string } {
  if (target === undefined || target.level === 'service') return {};
  if (target.level === 'bucket') return { bucket: target.bucket };
  return { bucket: target.bucket, key: target.key.toString('utf8') };
}

/** To be called when a request begins. @returns what makes the record of it when it is over */
export function watchRequest(
  incoming: IncomingMessage,
  response: ServerResponse,
): (trail: Trail) => RequestRecord {
  const began = performance.now();
  // Held on to, since a response that is over has let go of it.
  const { socket } = incoming;
  const { remoteAddress } = socket;
  const writtenBefore = socket.bytesWritten;
  return (trail) => ({
    requestId: trail.requestId,
    method: incoming.method ?? '',
    ...namesOf(trail),
    ...operationOf(trail),
    ...(response.headersSent ? { status: response.statusCode } : {}),
    ...errorOf(trail),
    complete: response.writableFinished || (response.writableEnded && !response.destroyed),
    bytesIn: trail.body?.bytesRead ?? 0,
    bytesOut: socket.bytesWritten - writtenBefore,
    durationMs: Math.round((performance.now() - began) * 1000) / 1000,
    ...(trail.account === undefined ? {} : { account: trail.account }),
    ...(remoteAddress === undefined ? {} : { remoteAddress }),
  });
}

/** Of a request that was refused before it was looked up, what it would have been. */
function operationOf({ operation, asked }: Trail): { readonly operation?: string } {
  const name = operation ?? (asked && nameOperation(asked));
  return name === undefined ? {} : { operation: name };
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
