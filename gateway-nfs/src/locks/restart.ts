/**
 * What a restart of this server does to locks: they were in memory, and are gone. Clients that held some are told by
 * SM_NOTIFY, and have a grace period to take them again; nobody else gets a lock meanwhile. It ends early when each of
 * them is known to have all of its own.
 *
 * @source XNFS chapters 10 and 11, "Synchronization of NLMs"
 */
import { hostname } from 'node:os';
import type { Logger } from '../rpc/program.ts';
import type { LockClient, LockClientStore, RememberedClient } from './clients.ts';
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
  /** Leaves to the next start what is held now: when no call is served any more. */
  close(): Promise<void>;
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
  const { store, graceMs = GRACE_MS } = parts;
  const clients = await store.list();
  const state = await store.nextState();
  const closing = new AbortController();
  const { signal } = closing;
  return {
    state,
    graceOver: clients.length > 0 ? grace(parts, { clients, graceMs, signal }) : Promise.resolve(),
    announce() {
      for (const client of clients) void notify(parts, { client, state, signal });
    },
    async close() {
      closing.abort();
      await leave(parts);
    },
  };
}

async function grace(
  { manager, pause, log }: RestartParts,
  {
    clients,
    graceMs,
    signal,
  }: { clients: readonly RememberedClient[]; graceMs: number; signal: AbortSignal },
): Promise<void> {
  const allBack = manager.beginGrace(clients);
  const hosts = clients.length;
  const period = { hosts, secondsAtMost: graceMs / 1000 };
  log.info(
    period,
    'hosts held NFS locks before the restart: until they have them again, nobody else gets one',
  );
  await Promise.race([allBack, pause(graceMs, signal)]);
  if (signal.aborted) return;
  try {
    const holding = await manager.endGrace(clients);
    log.info({ hosts, holding }, 'NFS locks are given to everybody again');
  } catch (error) {
    // They are told once more after the next start, for nothing.
    log.warn({ error }, 'hosts that hold no locks any more could not be forgotten');
  }
}

async function leave({ manager, store, log }: RestartParts): Promise<void> {
  const held = manager.close();
  if (held === undefined) return;
  try {
    await store.leave(held);
  } catch (error) {
    log.warn({ error }, 'what is locked could not be noted: the next start waits its whole grace period');
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
