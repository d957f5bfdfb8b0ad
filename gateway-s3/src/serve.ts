/** The whole way of a request, top to bottom. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Account } from '@facet/core';
import { bucketUrlOf, parseTarget } from './addressing.ts';
import { withHoisted } from './auth/hoisted.ts';
import { parseQuery, readHeaders } from './auth/request.ts';
import { type Authentication, type Credential, createVerifier } from './auth/verify.ts';
import { S3Error } from './errors.ts';
import { createFaultLog } from './faultLog.ts';
import type { HashingThreads } from './hashing/hashingThreads.ts';
import { Batching } from './http/batching.ts';
import { errorReply, faultError, toS3Error } from './http/errorReply.ts';
import type { Reply } from './http/reply.ts';
import { RequestBody } from './http/requestBody.ts';
import { send } from './http/send.ts';
import { awaitsContinue } from './http/server.ts';
import { Turns } from './http/turns.ts';
import type { Logger } from './log.ts';
import type { Call, S3Core } from './operation.ts';
import { perform } from './perform.ts';
import { refuseUnimplementedHeaders } from './refusals.ts';
import { type Asked, queryMap, type S3Request } from './request.ts';
import type { RequestIds } from './requestIds.ts';
import {
  namesOf,
  type RequestOutcome,
  type RequestRecord,
  RequestWatch,
  type Trail,
} from './requestRecord.ts';
import { route } from './router.ts';

export interface ServiceOptions {
  readonly core: S3Core;
  /** Buckets are also served at `<bucket>.<domain>`. */
  readonly domain: string;
  readonly region: string;
  readonly log: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly ids: RequestIds;
  readonly hashing: HashingThreads;
  readonly scheme: 'http' | 'https';
  /** Once true, every answer closes its connection. */
  readonly isClosing: () => boolean;
  /** Told of each request when it is over. */
  readonly onRequest?: (record: RequestRecord) => void;
  readonly onOutcome?: (outcome: RequestOutcome) => void;
}

/** Serves one request; never rejects. */
export type Service = (request: IncomingMessage, response: ServerResponse, url: string) => Promise<void>;

interface KnownSender extends Credential {
  readonly account: Account;
}

export function createService(options: ServiceOptions): Service {
  const { core, domain, ids, hashing } = options;
  const turns = new Turns();
  const batching = new Batching();
  const logFault = createFaultLog(options);
  const verify = createVerifier<KnownSender>({
    now: options.now,
    lookup: (accessKeyId) => {
      const found = core.accounts.findKey(accessKeyId);
      return found instanceof Promise ? found.then(knownSender) : knownSender(found);
    },
  });

  async function answer(
    incoming: IncomingMessage,
    rawUrl: string,
    { body, trail }: { readonly body: RequestBody; readonly trail: Trail },
  ): Promise<Reply> {
    const { rawPath, rawQuery } = splitUrl(rawUrl);
    checkHeaderSize(incoming.rawHeaders);
    const headers = readHeaders(incoming.rawHeaders);
    const method = incoming.method ?? '';
    const host = headers.get('host');
    if (host === undefined) throw new S3Error('BadRequest', 'The request lacks a Host header.');
    const target = parseTarget({ rawPath, host, domain });
    trail.target = target;
    const params = parseQuery(rawQuery);
    const sent: Asked = { method, target, query: queryMap(params), headers };
    trail.asked = sent;

    const verified = verify({ method, rawPath, query: params, headers });
    const sender = verified instanceof Promise ? await verified : verified;
    if (sender.kind !== 'anonymous') trail.account = sender.credential.account.name;
    const asked = isPresigned(sender) ? { ...sent, headers: withHoisted(headers, params) } : sent;
    trail.asked = asked;
    const request: S3Request = { ...asked, payload: sender.payload };

    const operation = route(request);
    trail.operation = operation.name;
    refuseUnimplementedHeaders(asked.headers);
    const caller = knownCaller(sender);
    const bucketUrl = bucketUrlOf(`${options.scheme}://${host}`, { host, target, domain });
    const { region, log } = options;
    const call: Call = { core, region, log, caller, body, hashing, bucketUrl };
    return await perform(operation, request, call);
  }

  async function serve(
    incoming: IncomingMessage,
    response: ServerResponse,
    { rawUrl, trail }: { readonly rawUrl: string; readonly trail: Trail },
  ): Promise<void> {
    const { requestId } = trail;
    const place = { resource: splitUrl(rawUrl).rawPath, requestId, hostId: ids.hostId };
    const body = new RequestBody(incoming, response, {
      awaitsContinue: awaitsContinue(incoming),
      turns,
      batching,
    });
    trail.body = body;
    const failed = (error: unknown): S3Error => {
      const told = toS3Error(error);
      if (told !== undefined) return told;
      logFault({ error, names: { requestId, ...namesOf(trail) }, happened: 'request failed' });
      return faultError(error);
    };
    const refusal = (error: S3Error): Reply => {
      trail.refusal = error;
      return errorReply(error, place);
    };
    const headOnly = incoming.method === 'HEAD';
    const sendReply = (reply: Reply): Promise<void> =>
      send({
        response,
        body,
        turns,
        reply,
        requestId,
        hostId: ids.hostId,
        headOnly,
        closing: options.isClosing(),
      });
    try {
      let reply: Reply;
      try {
        reply = await answer(incoming, rawUrl, { body, trail });
      } catch (error) {
        reply = refusal(failed(error));
      }
      await sendReply(reply);
    } catch (error) {
      logFault({ error, names: { requestId, ...namesOf(trail) }, happened: 'answer cut short' });
      const reply = refusal(faultError(error));
      if (!response.headersSent) {
        await sendReply(reply).catch(() => response.destroy());
        return;
      }
      // The only honest answer left is a connection that ends too early.
      response.destroy();
    }
  }

  const { onRequest, onOutcome } = options;
  return async (incoming, response, rawUrl) => {
    const trail: Trail = { requestId: ids.next() };
    const watch = new RequestWatch(incoming, response);
    const remoteAddress = onRequest && incoming.socket.remoteAddress;
    await serve(incoming, response, { rawUrl, trail });
    const outcome = watch.outcome(trail);
    onOutcome?.(outcome);
    onRequest?.(watch.record(trail, { outcome, remoteAddress }));
  };
}

/** Names and values. */
const HEADER_BYTES_MAX = 8 << 10;

/** @throws S3Error RequestHeaderSectionTooLarge */
function checkHeaderSize(rawHeaders: readonly string[]): void {
  let sizeBytes = 0;
  for (const text of rawHeaders) sizeBytes += text.length;
  if (sizeBytes <= HEADER_BYTES_MAX) return;
  throw new S3Error('RequestHeaderSectionTooLarge', undefined, {
    fields: { MaxSizeAllowed: String(HEADER_BYTES_MAX) },
  });
}

/** Also accepts the absolute form that proxies use. @source RFC 9112 §3.2.2 */
function splitUrl(rawUrl: string): { readonly rawPath: string; readonly rawQuery: string } {
  const url = rawUrl.startsWith('http') ? rawUrl.replace(/^https?:\/\/[^/?]*/i, '') || '/' : rawUrl;
  const mark = url.indexOf('?');
  return mark < 0
    ? { rawPath: url, rawQuery: '' }
    : { rawPath: url.slice(0, mark), rawQuery: url.slice(mark + 1) };
}

type FoundKey = Awaited<ReturnType<S3Core['accounts']['findKey']>>;

function knownSender(found: FoundKey): KnownSender | undefined {
  return found && { secretAccessKey: found.key.secretKey, account: found.account };
}

function isPresigned(sender: Authentication<KnownSender>): boolean {
  return sender.kind === 'verified' && sender.via === 'presigned';
}

function knownCaller(sender: Authentication<KnownSender>): Account {
  if (sender.kind === 'anonymous') throw new S3Error('AccessDenied');
  return sender.credential.account;
}
