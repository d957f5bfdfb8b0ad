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
  /** Where it is among those held; -1 once it is released. */
  #at: number;
  readonly #held: HeldPin[];

  constructor(held: HeldPin[], sequence: number) {
    this.#held = held;
    this.sequence = sequence;
    this.#at = held.push(this) - 1;
  }

  raise(sequence: number): void {
    this.sequence = sequence;
  }

  release(): void {
    if (this.#at < 0) return;
    // The last one takes its place: their order says nothing.
    const last = this.#held.pop();
    if (last !== undefined && last !== this) {
      this.#held[this.#at] = last;
      last.#at = this.#at;
    }
    this.#at = -1;
  }
}

export class Pins {
  readonly #held: HeldPin[] = [];
  #committed = 0;

  /** Taken *before* the snapshot, so that nothing is reclaimed between the snapshot and its pin. */
  enter(): Pin {
    return new HeldPin(this.#held, this.#committed);
  }

  /**
   * A free sequence whose commit was acknowledged: every snapshot taken from now on has it. So readers that are
   * always coming and going do not hold the collector up between their entry and their snapshot.
   */
  committed(sequence: number): void {
    this.#committed = Math.max(this.#committed, sequence);
  }

  get lastCommitted(): number {
    return this.#committed;
  }

  /** The oldest sequence a reader may refer to, or Infinity when there is none. */
  oldest(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { sequence } of this.#held) oldest = Math.min(oldest, sequence);
    return oldest;
  }
}
