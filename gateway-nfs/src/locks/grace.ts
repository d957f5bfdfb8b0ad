/**
 * Who has yet to take its locks again after a restart. The protocol has no word for "these were all", so that a host
 * whose locks are not known, since the server was killed, is waited for until the period is over. Of one that is known
 * it shows: it holds what it held.
 */
import { createHash } from 'node:crypto';
import { clientKey, type HeldLocks, type LockClient, type RememberedClient } from './clients.ts';
import type { LockHolder } from './lockRequest.ts';

const DIGEST_BYTES = 16;

/** In whatever order they are found. */
export function digestOf(locks: readonly (LockHolder & { readonly file: string })[]): HeldLocks {
  const lines = locks.map(({ file, owner, segment }) => {
    const { start, end, mode } = segment;
    return JSON.stringify([file, owner.svid, owner.oh.toString('hex'), `${start}`, `${end}`, mode]);
  });
  const digest = createHash('sha256').update(lines.toSorted().join('\n')).digest().subarray(0, DIGEST_BYTES);
  return { count: locks.length, digest };
}

export class Grace {
  readonly #awaited = new Map<string, HeldLocks | undefined>();
  readonly #over = Promise.withResolvers<void>();

  constructor(clients: readonly RememberedClient[]) {
    for (const client of clients) {
      if (client.held?.count !== 0) this.#awaited.set(clientKey(client), client.held);
    }
    this.#look();
  }

  /** Resolves when nobody is waited for any more. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  isAwaited(client: LockClient): boolean {
    return this.#awaited.has(clientKey(client));
  }

  /** A client took a lock again. @param held what it has now, which costs time to know: asked for when it may be all */
  tookAgain(client: LockClient, { count, held }: { readonly count: number; held(): HeldLocks }): void {
    const awaited = this.#awaited.get(clientKey(client));
    if (awaited?.count === count && awaited.digest.equals(held().digest)) this.gaveUp(client);
  }

  /** A client that has restarted itself takes nothing again. */
  gaveUp(client: LockClient): void {
    this.#awaited.delete(clientKey(client));
    this.#look();
  }

  #look(): void {
    if (this.#awaited.size === 0) this.#over.resolve();
  }
}
