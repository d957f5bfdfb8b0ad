/**
 * What a restart of this server does to locks: they were in memory, and are gone. Clients that held some are told by
 * SM_NOTIFY, and have a grace period to take them again; nobody else gets a lock meanwhile.
 *
 * @source XNFS chapters 10 and 11, "Synchronization of NLMs"
 */
import { hostname } from 'node:os';
import type { Logger } from '../rpc/program.ts';
import type { LockClient, LockClientStore } from './clients.ts';
import type { LockManager } from './lockManager.ts';
import type { Pause } from './pause.ts';
import type { CallPeer } from './peerCalls.ts';
import { NSM_PROCEDURE, NSM_PROGRAM, NSM_VERSION, writeNotice } from './wire.ts';

/** How long only locks held before the restart are granted, in milliseconds. The protocol's text calls 45 s common. */
const GRACE_MS = 45_000;

export interface RestartParts {
  readonly manager: LockManager;
  readonly store: LockClientStore;
  readonly callPeer: CallPeer;
  readonly pause: Pause;
  readonly log: Logger;
  readonly graceMs?: number;
}

export interface Restart {
  /** Of this life of the server: odd. */
  readonly state: number;
  /** Resolves when the grace period is over. */
  readonly graceOver: Promise<void>;
  /** Tells the hosts, which may ask for their locks at once. */
  announce(): void;
  close(): void;
}

/** How long after a failed try the next one is made, in milliseconds: 15 minutes in all, as other servers have it. */
const PAUSES_MS: readonly number[] = [
  1000,
  2000,
  4000,
  8000,
  15_000,
  30_000,
  ...Array<number>(14).fill(60_000),
];

/** To be called once, before the first call is served. A grace period begins if anybody held locks before. */
export async function restartLocks(parts: RestartParts): Promise<Restart> {
  const { manager, store, graceMs = GRACE_MS } = parts;
  const state = await store.nextState();
  const clients = await store.list();
  const closing = new AbortController();
  const { signal } = closing;
  if (clients.length > 0) manager.beginGrace(clients);
  return {
    state,
    graceOver: clients.length > 0 ? endGrace(parts, { clients, graceMs, signal }) : Promise.resolve(),
    announce() {
      for (const client of clients) void notify(parts, { client, state, signal });
    },
    close: () => closing.abort(),
  };
}

async function endGrace(
  { manager, pause, log }: RestartParts,
  { clients, graceMs, signal }: { clients: readonly LockClient[]; graceMs: number; signal: AbortSignal },
): Promise<void> {
  await pause(graceMs, signal);
  if (signal.aborted) return;
  try {
    await manager.endGrace(clients);
  } catch (error) {
    // They are told once more after the next start, for nothing.
    log.warn({ error }, 'hosts that hold no locks any more could not be forgotten');
  }
}

async function notify(
  { callPeer, pause, log }: RestartParts,
  { client, state, signal }: { client: LockClient; state: number; signal: AbortSignal },
): Promise<void> {
  for (const pauseMs of PAUSES_MS) {
    if (signal.aborted) return;
    const answer = await callPeer({
      address: client.address,
      program: NSM_PROGRAM,
      version: NSM_VERSION,
      procedure: NSM_PROCEDURE.NOTIFY,
      // Built anew each time: what was sent is the socket's.
      args: writeNotice({ name: hostname(), state }),
    });
    if (answer.kind === 'answered') return;
    await pause(pauseMs, signal);
  }
  log.warn({ client }, 'a host could not be told that its locks must be taken again');
}
