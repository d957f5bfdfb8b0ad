/** How many connections each process has, of those that the supervisor gave it. */

import { SEATS, type SharedState } from '../protocol/sharedState.ts';

/** Of one run of one process. */
export class Seat {
  readonly number: number;
  readonly #state: SharedState;
  #given = 0;

  constructor(number: number, state: SharedState) {
    this.number = number;
    this.#state = state;
  }

  /** Connections that it was given, and that are not over. */
  get open(): number {
    return (this.#given - this.#state.connectionsOver(this.number)) | 0;
  }

  /** @param hand resolves with whether the connection went there */
  async give(hand: () => Promise<boolean>): Promise<boolean> {
    this.#given = (this.#given + 1) | 0;
    const went = await hand();
    if (!went) this.#given = (this.#given - 1) | 0;
    return went;
  }
}

export class Seats {
  readonly #state: SharedState;
  readonly #free = Array.from({ length: SEATS }, (_, number) => number);

  constructor(state: SharedState) {
    this.#state = state;
  }

  /** For a process that begins. @param ended resolves when it is no more */
  take(ended: Promise<unknown>): Seat {
    const number = this.#free.shift();
    if (number === undefined) throw new Error(`there are ${SEATS} processes already`);
    void ended.then(() => this.#free.push(number));
    this.#state.clearSeat(number);
    return new Seat(number, this.#state);
  }
}
