/**
 * The admin API: `/v1/…`, JSON in and out, one route a method of {@link Administration}, for holders of the
 * token. Errors are `{ "error": { "code", "message", "exitCode" } }`.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { z } from 'zod';
import { fromCore } from '../coreFailure.ts';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import { toCommandFailure, usageFailure } from '../failure.ts';
import { explainInvalid } from '../invalidInput.ts';
import {
  type Administration,
  backupRequest,
  exportChanges,
  newKey,
  newVolume,
  pacedRequest,
  volumeChanges,
} from './contract.ts';
import { type LoggedChanges, logged } from './logged.ts';
import { logFailure, pace } from './logOutcome.ts';
import { progressStream } from './progressStream.ts';

const HTTP_STATUS_OF = { 0: 200, 1: 500, 2: 400, 3: 404, 4: 409, 5: 503, 6: 500 } as const satisfies Record<
  ExitCode,
  number
>;

const nameParameter = z.object({ name: z.string() });
const volumesQuery = z.object({ owner: z.string().optional(), after: z.string().optional() });
const exportsQuery = z.object({ after: z.string().optional() });
const keysQuery = z.object({ account: z.string().optional() });

export interface AdminRoutesOptions {
  readonly token: string;
  readonly logger: Logger;
  /** Undefined while the store is not open. */
  readonly administration: () => Administration | undefined;
}

export function registerAdminRoutes(app: FastifyInstance, options: AdminRoutesOptions): void {
  const tokenHash = sha256(options.token);

  const opened = (): Administration => {
    const administration = options.administration();
    if (administration === undefined) throw new StoreNotOpen();
    return administration;
  };
  /** The same, where what it changes is to be found in the log. */
  const changing = (): LoggedChanges => logged(opened(), options.logger);

  app.register(
    async (api) => {
      api.addHook('onRequest', async (request, reply) => {
        const given = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
        if (timingSafeEqual(sha256(given), tokenHash)) return;
        await reply
          .code(401)
          .header('www-authenticate', 'Bearer')
          .send(errorBody('Unauthorised', 'no valid token', 1));
      });

      api.setErrorHandler(async (error, _request, reply) => {
        if (error instanceof StoreNotOpen) {
          return reply.code(503).send(errorBody('Starting', error.message, EXIT.inUse));
        }
        const failure = toCommandFailure(fromCore(error));
        const status = isRequestError(error) ? 400 : HTTP_STATUS_OF[failure.exitCode];
        // What ends when whoever asked goes away has told so by itself.
        if (status >= 500 && !isOfGoneClient(error))
          options.logger.error({ err: error }, 'admin request failed');
        return reply.code(status).send(errorBody(failure.code, failure.message, failure.exitCode));
      });

      api.post('/volumes', async (request, reply) => {
        reply.code(201);
        return changing().createVolume(parse(newVolume, request.body));
      });
      api.get('/volumes', async (request) => opened().listVolumes(parse(volumesQuery, request.query)));
      api.get('/volumes/:name', async (request) =>
        opened().showVolume(parse(nameParameter, request.params).name),
      );
      api.patch('/volumes/:name', async (request) =>
        changing().setVolume(parse(nameParameter, request.params).name, parse(volumeChanges, request.body)),
      );
      api.delete('/volumes/:name', async (request) =>
        changing().deleteVolume(parse(nameParameter, request.params).name),
      );
      api.get('/exports', async (request) => opened().listExports(parse(exportsQuery, request.query)));
      api.get('/exports/:name', async (request) =>
        opened().showExport(parse(nameParameter, request.params).name),
      );
      api.patch('/exports/:name', async (request) =>
        changing().setExport(parse(nameParameter, request.params).name, parse(exportChanges, request.body)),
      );
      api.get('/accounts', async () => ({ accounts: await opened().listAccounts() }));
      api.get('/accounts/:name', async (request) =>
        opened().showAccount(parse(nameParameter, request.params).name),
      );
      api.delete('/accounts/:name', async (request) =>
        changing().deleteAccount(parse(nameParameter, request.params).name),
      );
      api.post('/scrub', async (request, reply) => {
        const administration = opened();
        const { bytesPerSecond } = parse(pacedRequest, request.body);
        options.logger.info({ bytesPerSecond }, 'a scrub begins');
        reply.type('application/x-ndjson');
        return progressStream({
          work: (how) => administration.scrub({ bytesPerSecond, ...how }),
          isServing: () => options.administration() === administration,
          onEnd: ({ damaged: _listed, damagedRecords: _named, ...counts }) =>
            options.logger.info(counts, 'the scrub is over'),
          onFailure: (cause) => logFailure(options.logger, 'the scrub', cause),
          onCancelled: () => options.logger.info('the scrub was cancelled'),
        });
      });
      api.post('/compact', async (request, reply) => {
        const administration = opened();
        const { bytesPerSecond } = parse(pacedRequest, request.body);
        options.logger.info(pace({ bytesPerSecond }), 'a compaction begins');
        reply.type('application/x-ndjson');
        return progressStream({
          work: (how) => administration.compact({ bytesPerSecond, ...how }),
          isServing: () => options.administration() === administration,
          onEnd: (report) => options.logger.info(report, 'the compaction is over'),
          onFailure: (cause) => logFailure(options.logger, 'the compaction', cause),
          onCancelled: () => options.logger.info('the compaction was cancelled'),
        });
      });
      api.post('/backup', async (request, reply) => {
        const administration = opened();
        const asked = parse(backupRequest, request.body);
        options.logger.info({ to: asked.to, ...pace(asked) }, 'a backup begins');
        reply.type('application/x-ndjson');
        return progressStream({
          work: (how) => administration.backup({ ...asked, ...how }),
          isServing: () => options.administration() === administration,
          onEnd: ({ damaged, damagedRecords: _named, ...counts }) =>
            options.logger.info({ ...counts, damaged: damaged.length }, 'the backup is complete'),
          onFailure: (cause) => logFailure(options.logger, 'the backup', cause),
          onCancelled: () => options.logger.info('the backup was cancelled'),
        });
      });
      api.post('/keys', async (request, reply) => {
        reply.code(201);
        return changing().createKey(parse(newKey, request.body));
      });
      api.get('/keys', async (request) => ({
        keys: await opened().listKeys(parse(keysQuery, request.query).account),
      }));
      api.delete('/keys/:name', async (request) =>
        changing().deleteKey(parse(nameParameter, request.params).name),
      );
    },
    { prefix: '/v1' },
  );
}

class StoreNotOpen extends Error {
  override readonly name = 'StoreNotOpen';
  constructor() {
    super('the store is not open: the server is starting or stopping');
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function errorBody(code: string, message: string, exitCode: ExitCode) {
  return { error: { code, message, exitCode } };
}

/** Fastify's own refusals (a body that is not JSON, too large, …) carry a status below 500. */
function isRequestError(error: unknown): boolean {
  return error instanceof Error && 'statusCode' in error && Number(error.statusCode) < 500;
}

function parse<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw usageFailure(`the request is not valid: ${explainInvalid(parsed.error)}`);
}

/** @source Node.js API, Errors: a stream that was closed before it had ended */
function isOfGoneClient(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
