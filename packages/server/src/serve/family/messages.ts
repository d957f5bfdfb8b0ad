/** What the supervisor and the processes it started tell each other, as JSON. */

import type { WorkerCalls } from '@facet/core';
import type { CommandFailure } from '../../failure.ts';
import type { ServeSettings } from '../../settings/settings.ts';
import type { StoreFacts } from '../server.ts';

/** Descriptors that every child inherits, after standard input, output, error and the channel of these messages. */
export const INHERITED_FD = { lock: 4, words: 5 } as const;

/** Where processes of one server meet. */
export interface Meeting {
  readonly address: string;
  /** Hexadecimal. */
  readonly secret: string;
}

interface Start {
  readonly kind: 'start';
  readonly settings: ServeSettings;
  readonly meeting: Meeting;
}

export type ToStore =
  /** `running`: instances of workers that ran on when the store ended. */
  | (Start & { readonly role: 'store'; readonly running: readonly string[] })
  /** A worker is about to start. Answered. */
  | { readonly kind: 'expect'; readonly instance: string }
  | { readonly kind: 'ended'; readonly instance: string }
  /** How many workers serve. */
  | { readonly kind: 'workers'; readonly count: number }
  /** Nothing new is taken any more; what is in flight goes on. */
  | { readonly kind: 'closeDoors' }
  | { readonly kind: 'stop' };

export type FromStore =
  | { readonly kind: 'ready'; readonly facts: StoreFacts }
  | { readonly kind: 'failed'; readonly failure: Pick<CommandFailure, 'code' | 'exitCode' | 'message'> }
  | { readonly kind: 'expected'; readonly instance: string };

export type ToWorker =
  | (Start & { readonly role: 's3'; readonly name: string; readonly instance: string })
  /** With the connection. */
  | { readonly kind: 'connection' }
  /** The store is away: nothing of it may be open. Answered. */
  | { readonly kind: 'suspend' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'count' }
  /** Connections that are idle have `idleMs` for another request. */
  | { readonly kind: 'stop'; readonly idleMs: number };

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly failure: Pick<CommandFailure, 'code' | 'exitCode' | 'message'> }
  | { readonly kind: 'suspended' }
  | { readonly kind: 'counted'; readonly requests: number };

/** What the store's process asks of a worker: besides what the core does, what it measured. */
export type CallsOfWorker = WorkerCalls & {
  readonly metrics: { readonly params: null; readonly result: unknown };
};
