/** The bodies that one thread hashes, side by side where several have bytes. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import type { ComputedAlgorithm } from '../checksums/algorithms.ts';
import { type DigestValues, InlineDigests } from '../checksums/bodyDigests.ts';
import { LANES, Md5Lanes, Md5Message } from './md5/md5Lanes.ts';
import { type Answer, type Order, slotAddress } from './messages.ts';

type Update = Extract<Order, { kind: 'update' }>;

interface OpenBody {
  readonly algorithms: readonly ComputedAlgorithm[];
  /** Undefined: MD5 is not wanted, or is among the others. */
  readonly md5: Md5Message | undefined;
  readonly others: InlineDigests;
}

export class BodiesInLanes {
  readonly #memory: SharedArrayBuffer;
  /** Undefined where the processor has no vectors that V8 would use. */
  readonly #lanes: Md5Lanes | undefined;
  readonly #answer: (answer: Answer) => void;
  readonly #bodies = new Map<number, OpenBody>();
  /** In the order in which they came. */
  #updates: Update[] = [];

  constructor(memory: WebAssembly.Memory, answer: (answer: Answer) => void) {
    this.#memory = memory.buffer;
    this.#lanes = lanesOn(memory);
    this.#answer = answer;
  }

  take(order: Order): void {
    switch (order.kind) {
      case 'open':
        this.#open(order.body, order.algorithms);
        return;
      case 'update':
        // Those that have come, too, are taken first: the more of them, the less each costs.
        if (this.#updates.length === 0) setImmediate(() => this.#work());
        this.#updates.push(order);
        return;
      case 'end':
        this.#work();
        this.#answer({ kind: 'digests', body: order.body, values: [...this.#end(this.#body(order.body))] });
        this.#bodies.delete(order.body);
        return;
      case 'abandon':
        this.#work();
        this.#bodies.delete(order.body);
    }
  }

  /** One that comes alone has MD5 of OpenSSL, which is faster than one lane by a sixth. */
  #open(body: number, algorithms: readonly ComputedAlgorithm[]): void {
    const isAlone = this.#bodies.size === 0;
    const inLanes = this.#lanes !== undefined && !isAlone && algorithms.includes('MD5');
    this.#bodies.set(body, {
      algorithms,
      md5: inLanes ? new Md5Message() : undefined,
      others: new InlineDigests(inLanes ? algorithms.filter((algorithm) => algorithm !== 'MD5') : algorithms),
    });
  }

  #work(): void {
    while (this.#updates.length > 0) {
      const together = this.#together();
      for (const update of together) this.#body(update.body).others.update(this.#bytes(update));
      this.#lanes?.update(
        together.flatMap(({ body, slot, lengthBytes }) => {
          const { md5: message } = this.#body(body);
          return message ? [{ message, address: slotAddress(slot), lengthBytes }] : [];
        }),
      );
      for (const { slot } of together) this.#answer({ kind: 'digested', slot });
    }
  }

  /** The next ones of different bodies. */
  #together(): readonly Update[] {
    const next = new Map<number, Update>();
    for (const update of this.#updates)
      if (next.size < LANES && !next.has(update.body)) next.set(update.body, update);
    const together = [...next.values()];
    this.#updates = this.#updates.filter((update) => !together.includes(update));
    return together;
  }

  #end({ algorithms, md5, others }: OpenBody): DigestValues {
    if (md5 === undefined || this.#lanes === undefined) return others.end();
    const values = new Map(others.end()).set('MD5', this.#lanes.digest(md5));
    const inOrder = algorithms.flatMap((algorithm) => {
      const value = values.get(algorithm);
      return value ? [[algorithm, value] as const] : [];
    });
    return new Map(inOrder);
  }

  #bytes({ slot, lengthBytes }: Update): Buffer {
    return Buffer.from(this.#memory, slotAddress(slot), lengthBytes);
  }

  #body(number: number): OpenBody {
    const body = this.#bodies.get(number);
    assert(body !== undefined, `body ${number} is open`);
    return body;
  }
}

function lanesOn(memory: WebAssembly.Memory): Md5Lanes | undefined {
  try {
    return new Md5Lanes(memory);
  } catch {
    return undefined;
  }
}
