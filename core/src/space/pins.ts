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

class HeldPin implements Pin {
  sequence: number;
  readonly #held: Set<HeldPin>;

  constructor(held: Set<HeldPin>, sequence: number) {
    this.#held = held;
    this.sequence = sequence;
  }

  raise(sequence: number): void {
    this.sequence = sequence;
  }

  release(): void {
    this.#held.delete(this);
  }
}

export class Pins {
  readonly #held = new Set<HeldPin>();
  #committed = 0;

  /** Taken *before* the snapshot, so that nothing is reclaimed between the snapshot and its pin. */
  enter(): Pin {
    const pin = new HeldPin(this.#held, this.#committed);
    this.#held.add(pin);
    return pin;
  }

  /**
   * A free sequence whose commit was acknowledged: every snapshot taken from now on has it. So readers that are
   * always coming and going do not hold the collector up between their entry and their snapshot.
   */
  committed(sequence: number): void {
    this.#committed = Math.max(this.#committed, sequence);
  }

  /** The oldest sequence a reader may refer to, or Infinity when there is none. */
  oldest(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { sequence } of this.#held) oldest = Math.min(oldest, sequence);
    return oldest;
  }
}
