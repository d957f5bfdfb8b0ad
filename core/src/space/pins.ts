/**
 * Pins: what readers in flight may still refer to.
 *
 * A reader that resolved locations from a snapshot whose free sequence was `s` can refer to nothing that was
 * dropped at or before `s`. So bytes whose drop is stamped `t` may be reclaimed once every pin is at `t` or later.
 */

export interface Pin {
  /** Said once the snapshot is known: its free sequence. */
  raise(sequence: number): void;
  /** Safe to call twice. */
  release(): void;
}

export class Pins {
  readonly #held = new Map<object, number>();

  /** Taken *before* the snapshot, so that nothing is reclaimed between the snapshot and its pin. */
  enter(): Pin {
    const pin: Pin = {
      raise: (sequence) => {
        if (this.#held.has(pin)) this.#held.set(pin, sequence);
      },
      release: () => {
        this.#held.delete(pin);
      },
    };
    this.#held.set(pin, 0);
    return pin;
  }

  /** The oldest sequence a reader may refer to, or Infinity when there is none. */
  oldest(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const sequence of this.#held.values()) oldest = Math.min(oldest, sequence);
    return oldest;
  }
}
