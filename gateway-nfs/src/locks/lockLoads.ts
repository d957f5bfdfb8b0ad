/** How many locked ranges and waiters there are, in all and of whom, and how many there may be. */

import type { LockOwner } from './lockRequest.ts';

export interface LockLimits {
  /** Locked ranges and waiters of one address together. */
  readonly perAddressMax: number;
  /** Locked ranges and waiters of one file together. */
  readonly perFileMax: number;
  /** Locked ranges in all. */
  readonly locksMax: number;
  /** Waiters in all. */
  readonly waitersMax: number;
}

const LOCK_LIMITS: LockLimits = {
  perAddressMax: 20_000,
  perFileMax: 5_000,
  locksMax: 100_000,
  waitersMax: 10_000,
};

export class LockLoads {
  readonly #limits: LockLimits;
  /** Locked ranges and waiters of each client that has any. */
  readonly #clients = new Map<string, number>();
  /** Likewise, of each address. */
  readonly #addresses = new Map<string, number>();
  #locks = 0;
  #waiters = 0;

  constructor(limits: LockLimits = LOCK_LIMITS) {
    this.#limits = limits;
  }

  /** Locked ranges in all. */
  get locks(): number {
    return this.#locks;
  }

  get waiters(): number {
    return this.#waiters;
  }

  /** Locked ranges and waiters of a client. */
  ofClient(client: string): number {
    return this.#clients.get(client) ?? 0;
  }

  /** @param asked `more` ranges, or fewer; `ofFile`: locked ranges and waiters of the file that they are in */
  hasRoomForLocks(
    { address }: LockOwner,
    { more, ofFile }: { readonly more: number; readonly ofFile: number },
  ): boolean {
    const { perAddressMax, perFileMax, locksMax } = this.#limits;
    return (
      more <= 0 ||
      (this.#locks + more <= locksMax &&
        this.#ofAddress(address) + more <= perAddressMax &&
        ofFile + more <= perFileMax)
    );
  }

  /** @param asked `ofFile`: locked ranges and waiters of the file that it waits for */
  hasRoomForWaiter({ address }: LockOwner, { ofFile }: { readonly ofFile: number }): boolean {
    const { perAddressMax, perFileMax, waitersMax } = this.#limits;
    return this.#waiters < waitersMax && this.#ofAddress(address) < perAddressMax && ofFile < perFileMax;
  }

  addLocks(owner: LockOwner, more: number): void {
    this.#locks += more;
    this.#add(owner, more);
  }

  addWaiters(owner: LockOwner, more: number): void {
    this.#waiters += more;
    this.#add(owner, more);
  }

  #ofAddress(address: string): number {
    return this.#addresses.get(address) ?? 0;
  }

  #add({ client, address }: LockOwner, more: number): void {
    add(this.#clients, client, more);
    add(this.#addresses, address, more);
  }
}

/** What is 0 is not kept. */
function add(counts: Map<string, number>, key: string, more: number): void {
  const count = (counts.get(key) ?? 0) + more;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
