/** A server as the command sees it, of however many processes. */

import type { Logger } from 'pino';
import type { ServeSettings } from '../settings/settings.ts';
import type { ServingFacts } from './banner.ts';

export interface ServerParts {
  readonly settings: ServeSettings;
  readonly logger: Logger;
  /** What is in flight when the server is told to stop has this long. */
  readonly graceMs: number;
}

export interface Server {
  readonly facts: ServingFacts;
  /**
   * Resolves when it cannot go on: a CommandFailure when what is on disk is no good, any other error when what is there
   * is no longer known, and the process must end without further ado.
   */
  readonly failed: Promise<Error>;
  /** Requests that are not over yet. */
  requestsUnderWay(): Promise<number>;
  /** Begins anew, without turning anybody away; undefined where one process does everything. */
  roll?(): Promise<void>;
  /** Finishes the requests in flight, closes the store, gives the lock back. */
  stop(): Promise<void>;
}
