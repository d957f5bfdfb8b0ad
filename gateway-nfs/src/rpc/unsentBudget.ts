/**
 * The memory of replies that peers have not taken yet, and of those that calls under way will make, of all
 * connections together. When it is more than it may be, the connection ends whose peer has taken nothing for longest:
 * the others are served on.
 */

export interface Sender {
  /** Ends the connection, and with it `leave`s. */
  evict(): void;
}

export class UnsentBudget {
  readonly #bytesMax: number;
  #bytes = 0;
  /** Those with unsent bytes, the one that last made progress last. */
  readonly #senders = new Set<Sender>();

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  add(sender: Sender, lengthBytes: number): void {
    this.#bytes += lengthBytes;
    this.#senders.add(sender);
    while (this.#bytes > this.#bytesMax) {
      const [slowest] = this.#senders;
      if (slowest === undefined) return;
      slowest.evict();
    }
  }

  /** What was added for a reply to come is not needed for it any more. `leftBytes`: what the sender still has. */
  giveBack(sender: Sender, lengthBytes: number, leftBytes: number): void {
    this.#bytes -= lengthBytes;
    if (leftBytes === 0) this.#senders.delete(sender);
  }

  /** `leftBytes`: what the sender still has. */
  sent(sender: Sender, lengthBytes: number, leftBytes: number): void {
    this.#bytes -= lengthBytes;
    this.#senders.delete(sender);
    if (leftBytes > 0) this.#senders.add(sender);
  }

  leave(sender: Sender, leftBytes: number): void {
    this.#bytes -= leftBytes;
    this.#senders.delete(sender);
  }
}
