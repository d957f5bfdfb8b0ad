/** What the supervisor and the processes it started tell each other, as JSON. */

import type { MaintenanceCalls, ProgressCalls, StoreCalls, WorkerCalls } from '@facet/core';
import type { CommandFailure } from '../../../failure.ts';
import type { ServeSettings } from '../../../settings/settings.ts';
import type { AcceptedAt } from '../../listen.ts';
import type { StoreFacts } from '../../server.ts';
import type { TlsPair } from '../../tls.ts';
import type { Meeting } from './meeting.ts';

/** Descriptors that every child inherits, after standard input, output, error and the channel of these messages. */
export const INHERITED_FD = { lock: 4, words: 5 } as const;

/** What a worker does: it serves S3, or it compacts and scrubs. */
export type Role = 's3' | 'maintenance';

/** One run of a worker. */
export interface Run {
  /** Hexadecimal. */
  readonly instance: string;
  readonly role: Role;
}

/** What every process is told when it starts. */
export interface Setup {
  readonly settings: ServeSettings;
  readonly meeting: Meeting;
  /** What is in flight at the end has so long. */
  readonly graceMs: number;
}

/** Of a process that serves S3: where it says in shared memory that a connection of its is over. */
interface Seated {
  readonly seat: number;
}

interface Start extends Setup {
  readonly kind: 'start';
}

/** Of S3 where it shares that with a worker. */
type StoreDoor = keyof AcceptedAt | 's3';

export type ToStore =
  /** `running`: workers that ran on when the store ended. */
  | (Start &
      Seated &
      ServedWith & {
        readonly role: 'store';
        readonly running: readonly Run[];
        /** What is accepted there comes by `connection`. */
        readonly acceptedAt: AcceptedAt;
      })
  /** With the connection. */
  | { readonly kind: 'connection'; readonly door: StoreDoor }
  /** Of S3 nothing new is taken. Answered when what is in flight is over; who is idle has `idleMs` for another request. */
  | { readonly kind: 'drain'; readonly idleMs: number }
  | { readonly kind: 'count' }
  /** A worker is about to start. Answered. */
  | (Run & { readonly kind: 'expect' })
  | { readonly kind: 'ended'; readonly instance: string }
  /** How many workers serve S3; none before it listens. */
  | { readonly kind: 'workers'; readonly count: number }
  /** Nothing new is taken any more; what is in flight goes on. */
  | { readonly kind: 'closeDoors' }
  | { readonly kind: 'stop' };

export type FromStore =
  /** Its admin door takes connections: the store is not open yet. */
  | { readonly kind: 'live' }
  | { readonly kind: 'ready'; readonly facts: StoreFacts }
  | { readonly kind: 'failed'; readonly failure: Pick<CommandFailure, 'code' | 'exitCode' | 'message'> }
  | { readonly kind: 'expected'; readonly instance: string }
  | { readonly kind: 'drained' }
  /** Requests of S3 that are not over. */
  | { readonly kind: 'counted'; readonly requests: number };

/** Of S3, and read by the supervisor alone: files that are no use by now keep no worker from starting. */
export interface ServedWith {
  readonly tls?: TlsPair;
}

export type ToWorker =
  | (Start & Run & Seated & { readonly name: string } & ServedWith)
  /** With the connection. */
  | { readonly kind: 'connection' }
  /** The store is away: nothing of it may be open. Answered. */
  | { readonly kind: 'suspend' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'count' }
  /** Connections that are idle have `idleMs` for another request. `withoutStore`: it is away, and stays so. */
  | { readonly kind: 'stop'; readonly idleMs: number; readonly withoutStore: boolean };

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly failure: Pick<CommandFailure, 'code' | 'exitCode' | 'message'> }
  | { readonly kind: 'suspended' }
  /** The store is back, and there may be bytes of this run that only its recovery finds: another is to take its place. */
  | { readonly kind: 'spent' }
  | { readonly kind: 'counted'; readonly requests: number };

/** What the store's process asks of a worker: besides what the core does, what it measured. */
export type CallsOfWorker = WorkerCalls & {
  readonly metrics: { readonly params: null; readonly result: unknown };
};

/** What it asks of that of maintenance. */
export type CallsOfMaintenance = CallsOfWorker & MaintenanceCalls;

/** How the metadata are opened, which the store's process has to hold still for. */
export type OpeningCalls = {
  /** Answered when it does. `pid`: who opens them, and is killed if that takes for ever. */
  readonly holdStill: { readonly params: { readonly pid: number }; readonly result: null };
  /** They are open: it goes on. */
  readonly goOn: { readonly params: null; readonly result: null };
};

/** What any of them asks of it. */
export type CallsOfStore = StoreCalls & ProgressCalls & OpeningCalls;
