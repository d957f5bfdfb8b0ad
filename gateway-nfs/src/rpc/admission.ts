/**
 * What all connections of a server share: how many calls run at once, and the memory for records that are gathered
 * or being answered. A connection that finds none left is not read from until its turn comes, first come first served.
 *
 * Calls end by themselves and give back what they took. Records being gathered could wait for each other's memory:
 * so the oldest of them is given what it needs beyond what the others hold. One that is never sent in full would
 * stay the oldest: while others wait, its connection is ended once it pauses, or has taken too long in all.
 */

export interface AdmissionBounds {
  /** Of all connections together. */
  readonly callsMax: number;
  /** Of records being answered, and as much again of those being gathered. Several times the longest record. */
  readonly recordBytesMax: number;
  /** Of what those who wait have read already. Beyond it the oldest record being gathered makes room. */
  readonly waitingBytesMax: number;
  /** A record may take so long while others wait. */
  readonly gatherMsMax: number;
  /** While others wait, something of it must come within so long. */
  readonly pauseMsMax: number;
}

/** What comes of a record within the time for a pause, or it pauses: honest networks are faster. */
const PROGRESS_BYTES_MIN = 16 << 10;

/** A connection, as seen from here. */
export interface Claimant {
  /** Grows with what its peer sends, and takes. */
  readonly progressBytes: number;
  /** What it waited for may be there. It looks again, and waits again if it is not. */
  wake(): void;
  /** Ends the connection, and with it `leave`s. */
  evict(): void;
}

interface Gathering {
  readonly sinceMs: number;
  takenBytes: number;
  /** When it was seen to get on, or no fault of its own that it did not; and how far it was. */
  seenMs: number;
  seenBytes: number;
}

export class Admission {
  readonly #bounds: AdmissionBounds;
  readonly #nowMs: () => number;
  #calls = 0;
  /** Taken for the records of calls, and for those being gathered. */
  #callBytes = 0;
  #gatheringBytes = 0;
  /** The oldest first. */
  readonly #gathering = new Map<Claimant, Gathering>();
  /** Each with the bytes it has read and cannot use yet, in the order of their turns. */
  readonly #waiting = new Map<Claimant, number>();
  #waitingBytes = 0;
  #isWaking = false;
  /** Whose turn it is just now, until it waits again. */
  #woken: Claimant | undefined;
  #watch: NodeJS.Timeout | undefined;

  /** `nowMs`: never goes back. */
  constructor(bounds: AdmissionBounds, nowMs: () => number) {
    this.#bounds = bounds;
    this.#nowMs = nowMs;
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
    this.#callBytes -= takenBytes;
    this.#wakeSome();
  }

  /** Memory for the record that `claimant` gathers. False: wait. */
  take(claimant: Claimant, lengthBytes: number): boolean {
    const own = this.#gathering.get(claimant) ?? startGathering(claimant, this.#nowMs());
    const othersBytes = this.#isOldest(claimant) ? own.takenBytes : this.#gatheringBytes;
    if (this.#callBytes + othersBytes + lengthBytes > this.#bounds.recordBytesMax) return false;
    own.takenBytes += lengthBytes;
    this.#gatheringBytes += lengthBytes;
    this.#gathering.set(claimant, own);
    return true;
  }

  /** The record is here: what was taken for it belongs to its call from now on. */
  gathered(claimant: Claimant): void {
    this.#callBytes += this.#stopGathering(claimant);
    this.#wakeSome();
  }

  /** The record is not to become a call. */
  release(takenBytes: number): void {
    this.#callBytes -= takenBytes;
    this.#wakeSome();
  }

  /** `keptBytes`: what has been read for this connection and waits with it. */
  wait(claimant: Claimant, keptBytes: number): void {
    if (this.#woken === claimant) this.#woken = undefined;
    if (this.#waiting.has(claimant)) return;
    this.#waiting.set(claimant, keptBytes);
    this.#waitingBytes += keptBytes;
    this.#watch ??= this.#startWatch();
    if (this.#waitingBytes > this.#bounds.waitingBytesMax) (this.#oldest() ?? claimant).evict();
  }

  /** The connection is gone. */
  leave(claimant: Claimant): void {
    this.#stopWaiting(claimant);
    this.#stopGathering(claimant);
    this.#wakeSome();
  }

  #oldest(): Claimant | undefined {
    const [oldest] = this.#gathering.keys();
    return oldest;
  }

  /** Also who would be. */
  #isOldest(claimant: Claimant): boolean {
    return (this.#oldest() ?? claimant) === claimant;
  }

  #stopGathering(claimant: Claimant): number {
    const takenBytes = this.#gathering.get(claimant)?.takenBytes ?? 0;
    this.#gathering.delete(claimant);
    this.#gatheringBytes -= takenBytes;
    return takenBytes;
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
    if (this.#isWaking) return;
    this.#isWaking = true;
    while (this.hasRoomForCall && this.#callBytes < this.#bounds.recordBytesMax) {
      const next = this.#nextInTurn();
      if (next === undefined) break;
      this.#woken = next;
      next.wake();
      if (this.#woken === undefined) break;
      this.#woken = undefined;
      this.#stopWaiting(next);
    }
    this.#isWaking = false;
  }

  #nextInTurn(): Claimant | undefined {
    const oldest = this.#oldest();
    if (oldest !== undefined && this.#waiting.has(oldest)) return oldest;
    const [first] = this.#waiting.keys();
    return first;
  }

  /** Who had all the time in the world until now begins a pause now. */
  #startWatch(): NodeJS.Timeout {
    for (const [claimant, gathering] of this.#gathering) see(gathering, claimant, this.#nowMs());
    const { gatherMsMax, pauseMsMax } = this.#bounds;
    return setInterval(() => this.#evictSlow(), Math.min(gatherMsMax, pauseMsMax) / 4).unref();
  }

  #evictSlow(): void {
    const nowMs = this.#nowMs();
    for (const [claimant, gathering] of this.#gathering) {
      if (this.#waiting.size === 0) return;
      if (nowMs - gathering.sinceMs >= this.#bounds.gatherMsMax || this.#pauses(claimant, gathering, nowMs)) {
        claimant.evict();
      }
    }
  }

  #pauses(claimant: Claimant, gathering: Gathering, nowMs: number): boolean {
    const isHeldBack = this.#waiting.has(claimant);
    if (isHeldBack || claimant.progressBytes - gathering.seenBytes >= PROGRESS_BYTES_MIN) {
      see(gathering, claimant, nowMs);
    }
    return nowMs - gathering.seenMs >= this.#bounds.pauseMsMax;
  }
}

function startGathering(claimant: Claimant, nowMs: number): Gathering {
  return { sinceMs: nowMs, takenBytes: 0, seenMs: nowMs, seenBytes: claimant.progressBytes };
}

function see(gathering: Gathering, claimant: Claimant, nowMs: number): void {
  gathering.seenMs = nowMs;
  gathering.seenBytes = claimant.progressBytes;
}
