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

interface Renewal {
  /** What `begin` does, does when it resolves, and left undone when it rejects; for the log. */
  readonly begins: string;
  readonly done: string;
  readonly failed: string;
  /** @throws when nothing is as it is to be: what serves then is as before */
  begin(): Promise<void>;
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
  /** What a SIGHUP asks for: what is in files is read again, without turning anybody away. */
  readonly renewal: Renewal;
  /** Finishes the requests in flight, closes the store, gives the lock back. */
  stop(): Promise<void>;
}
