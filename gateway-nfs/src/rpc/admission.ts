/**
 * What all connections of a server share: how many calls run at once, and the memory for records that are gathered
 * or being answered. A connection that finds none left is not read from until its turn comes, first come first served.
 *
 * Calls end by themselves and give back what they took. A record that is never sent in full does not: while
 * others wait, the connection that has been at one record for the longest is ended once that is too long.
 */

export interface AdmissionBounds {
  /** Of all connections together. */
  readonly callsMax: number;
  /** Of records gathered and records being answered; and as much again of what those who wait have read already. */
  readonly recordBytesMax: number;
  /** A record may take so long while others wait for memory. */
  readonly gatherMsMax: number;
}

/** A connection, as seen from here. */
export interface Claimant {
  /** What it waited for may be there. It looks again, and waits again if it is not. */
  wake(): void;
  /** Ends the connection, and with it `leave`s. */
  evict(): void;
}

export class Admission {
  readonly #bounds: AdmissionBounds;
  readonly #now: () => number;
  #calls = 0;
  #recordBytes = 0;
  /** Each with the time it began its record at, the oldest first. */
  readonly #gathering = new Map<Claimant, number>();
  /** Each with the bytes it has read and cannot use yet, in the order of their turns. */
  readonly #waiting = new Map<Claimant, number>();
  #waitingBytes = 0;
  /** Whose turn it is just now, until it waits again. */
  #woken: Claimant | undefined;
  #watch: NodeJS.Timeout | undefined;

  /** `now`: milliseconds that never go back. */
  constructor(bounds: AdmissionBounds, now: () => number) {
    this.#bounds = bounds;
    this.#now = now;
  }

  get hasRoomForCall(): boolean {
    return this.#calls < this.#bounds.callsMax;
  }

  startCall(): void {
    this.#calls += 1;
  }

  /** `takenBytes`: of its record. */
  endCall(takenBytes: number): void {
    this.#calls -= 1;
    this.#recordBytes -= takenBytes;
    this.#wakeSome();
  }

  /** Memory for the record that `claimant` gathers. False: wait. */
  take(claimant: Claimant, lengthBytes: number): boolean {
    if (this.#recordBytes + lengthBytes > this.#bounds.recordBytesMax) return false;
    this.#recordBytes += lengthBytes;
    if (!this.#gathering.has(claimant)) this.#gathering.set(claimant, this.#now());
    return true;
  }

  /** The record is here: what was taken for it is the call's from now on. */
  gathered(claimant: Claimant): void {
    this.#gathering.delete(claimant);
  }

  /** The record is not to become a call. */
  release(takenBytes: number): void {
    if (takenBytes === 0) return;
    this.#recordBytes -= takenBytes;
    this.#wakeSome();
  }

  /** `keptBytes`: what has been read for this connection and waits with it. */
  wait(claimant: Claimant, keptBytes: number): void {
    if (this.#woken === claimant) {
      this.#woken = undefined;
      return;
    }
    if (this.#waiting.has(claimant)) return;
    this.#waiting.set(claimant, keptBytes);
    this.#waitingBytes += keptBytes;
    this.#watch ??= setInterval(() => this.#evictSlow(), this.#bounds.gatherMsMax / 4).unref();
    if (this.#waitingBytes > this.#bounds.recordBytesMax) {
      const [oldest = claimant] = this.#gathering.keys();
      oldest.evict();
    }
  }

  /** The connection is gone. `takenBytes`: of the record it was gathering. */
  leave(claimant: Claimant, takenBytes: number): void {
    this.#stopWaiting(claimant);
    this.#gathering.delete(claimant);
    this.release(takenBytes);
  }

  #stopWaiting(claimant: Claimant): void {
    this.#waitingBytes -= this.#waiting.get(claimant) ?? 0;
    this.#waiting.delete(claimant);
    if (this.#waiting.size > 0) return;
    clearInterval(this.#watch);
    this.#watch = undefined;
  }

  /** Until one finds too little, which keeps its turn: who needs much is not passed over for ever. */
  #wakeSome(): void {
    if (this.#woken !== undefined) return;
    for (const claimant of this.#waiting.keys()) {
      if (!this.hasRoomForCall || this.#recordBytes >= this.#bounds.recordBytesMax) return;
      this.#woken = claimant;
      claimant.wake();
      if (this.#woken === undefined) return;
      this.#woken = undefined;
      this.#stopWaiting(claimant);
    }
  }

  #evictSlow(): void {
    const before = this.#now() - this.#bounds.gatherMsMax;
    for (const [claimant, since] of this.#gathering) {
      if (since > before || this.#waiting.size === 0) return;
      claimant.evict();
    }
  }
}
