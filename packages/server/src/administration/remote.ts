/** Administration through the admin API of the server that holds the store. */

import { z } from 'zod';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import {
  type Administration,
  accountDetails,
  accountReport,
  backupReport,
  compactReport,
  exportPage,
  exportReport,
  keyReport,
  type LongWorkOptions,
  newKeyReport,
  scrubReport,
  volumeDetails,
  volumePage,
  volumeReport,
} from './contract.ts';
import type { AdminEndpoint } from './endpointFile.ts';
import { failureReport } from './failureReport.ts';
import { readProgress } from './readProgress.ts';
import { type Patience, unlessSilent } from './silence.ts';

const CALL: Patience = { lookEveryMs: 2_000, lookMsMax: 8_000, callMsMax: 60_000 };
/** Of long work, until it begins to tell how far it is. */
const LONG_WORK: Patience = { lookEveryMs: 5_000, lookMsMax: 55_000 };

const errorReply = z.object({ error: failureReport });

/** Nobody answers at the address: the server that wrote it is gone, or not there yet. */
export class ServerUnreachable extends Error {
  override readonly name = 'ServerUnreachable';
}

interface AdminRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
}

/** Its methods throw {@link ServerUnreachable} and `ServerSilent` as well. */
export function administerRemotely(endpoint: AdminEndpoint): Administration {
  const send = async (request: AdminRequest, signal: AbortSignal): Promise<Response> => {
    const url = new URL(`/v1/${request.path}`, endpoint.url);
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    const response = await fetch(url, {
      method: request.method,
      headers: {
        authorization: `Bearer ${endpoint.token}`,
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      signal,
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    }).catch((error: unknown) => {
      if (isRefusedConnection(error)) throw new ServerUnreachable(`nothing answers at ${endpoint.url}`);
      throw error;
    });
    if (!response.ok) throw replyFailure(await response.json(), response.status);
    return response;
  };

  const call = async <S extends z.ZodType>(
    request: AdminRequest & { readonly reply: S },
  ): Promise<z.output<S>> =>
    request.reply.parse(
      await unlessSilent(endpoint.url, CALL, async (signal) => (await send(request, signal)).json()),
    );

  /** Takes as long as it takes: its events say that it goes on. */
  const work = async <S extends z.ZodType>(
    request: { readonly path: string; readonly body: object; readonly report: S } & LongWorkOptions,
  ): Promise<z.output<S>> => {
    const { path, body, report, onProgress, signal = new AbortController().signal } = request;
    const response = await unlessSilent(endpoint.url, LONG_WORK, (silent) =>
      send({ method: 'POST', path, body }, AbortSignal.any([signal, silent])),
    );
    if (!response.body) throw replyFailure(undefined, response.status);
    const what = `the ${path}`;
    return readProgress(response.body, { report, what, ...(onProgress && { onProgress }) });
  };

  return {
    createVolume: (volume) => call({ method: 'POST', path: 'volumes', body: volume, reply: volumeReport }),
    listVolumes: (page) => call({ method: 'GET', path: 'volumes', query: page, reply: volumePage }),
    showVolume: (name) =>
      call({ method: 'GET', path: `volumes/${encodeURIComponent(name)}`, reply: volumeDetails }),
    setVolume: (name, body) =>
      call({ method: 'PATCH', path: `volumes/${encodeURIComponent(name)}`, body, reply: volumeDetails }),
    deleteVolume: (name) =>
      call({ method: 'DELETE', path: `volumes/${encodeURIComponent(name)}`, reply: volumeReport }),
    listExports: (page) => call({ method: 'GET', path: 'exports', query: page, reply: exportPage }),
    showExport: (volume) =>
      call({ method: 'GET', path: `exports/${encodeURIComponent(volume)}`, reply: exportReport }),
    setExport: (volume, body) =>
      call({ method: 'PATCH', path: `exports/${encodeURIComponent(volume)}`, body, reply: exportReport }),
    listAccounts: async () => {
      const reply = z.object({ accounts: z.array(accountReport) });
      return (await call({ method: 'GET', path: 'accounts', reply })).accounts;
    },
    showAccount: (name) =>
      call({ method: 'GET', path: `accounts/${encodeURIComponent(name)}`, reply: accountDetails }),
    deleteAccount: (name) =>
      call({ method: 'DELETE', path: `accounts/${encodeURIComponent(name)}`, reply: accountReport }),
    createKey: (key) => call({ method: 'POST', path: 'keys', body: key, reply: newKeyReport }),
    listKeys: async (account) => {
      const reply = z.object({ keys: z.array(keyReport) });
      return (await call({ method: 'GET', path: 'keys', query: { account }, reply })).keys;
    },
    scrub: ({ bytesPerSecond, ...options }) =>
      work({ path: 'scrub', body: { bytesPerSecond }, report: scrubReport, ...options }),
    compact: ({ bytesPerSecond, ...options }) =>
      work({ path: 'compact', body: { bytesPerSecond }, report: compactReport, ...options }),
    backup: ({ to, bytesPerSecond, ...options }) =>
      work({ path: 'backup', body: { to, bytesPerSecond }, report: backupReport, ...options }),
    deleteKey: (accessKeyId) =>
      call({ method: 'DELETE', path: `keys/${encodeURIComponent(accessKeyId)}`, reply: keyReport }),
  };
}

/** undici puts the socket's error in `cause`. Only a refusal proves that the request did nothing. */
function isRefusedConnection(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}

function replyFailure(content: unknown, status: number): CommandFailure {
  const parsed = errorReply.safeParse(content);
  if (parsed.success) return new CommandFailure(parsed.data.error);
  return new CommandFailure({
    exitCode: EXIT.failed,
    code: 'Failed',
    message: `the server answered with HTTP status ${status} and no error this command understands`,
  });
}
