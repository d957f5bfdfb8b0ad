/** MD5 of several messages at once, by one thread: four or eight take hardly longer than one. */
import { Buffer } from 'node:buffer';
import { AT, BLOCK_BYTES, CONSTANTS, md5Module, ROUNDS_BYTES, STATE_WORDS } from './rounds.ts';
import type {} from './webAssembly.ts';

/** So many messages at most go side by side. */
export const LANES = 8;
/** So much at the start of its memory is its own. */
export const MD5_BYTES = 1 << 16;
export const PAGE_BYTES = 1 << 16;

/** Of `one`: a state, and a block that is put together, or the last ones of a message. */
const SINGLE = { state: ROUNDS_BYTES, block: ROUNDS_BYTES + 4 * STATE_WORDS } as const;
const INITIAL = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476] as const;
const LENGTH_BYTES = 8;

/** A message so far. */
export class Md5Message {
  readonly state = Uint32Array.from(INITIAL);
  /** What is no whole block yet. */
  readonly rest = new Uint8Array(BLOCK_BYTES);
  restBytes = 0;
  lengthBytes = 0;
}

/** The next bytes of a message; where they are in memory. */
export interface Md5Piece {
  readonly message: Md5Message;
  readonly address: number;
  readonly lengthBytes: number;
}

interface Blocks {
  readonly message: Md5Message;
  address: number;
  count: number;
}

type Rounds = (...addressesAndBlocks: readonly number[]) => void;

export class Md5Lanes {
  readonly #one: Rounds;
  readonly #four: Rounds;
  readonly #eight: Rounds;
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #view: DataView;

  /** @param memory shared, its maximum what it has; from {@link MD5_BYTES} on the caller's */
  constructor(memory: WebAssembly.Memory) {
    const module = new WebAssembly.Module(md5Module(memory.buffer.byteLength / PAGE_BYTES));
    const { exports } = new WebAssembly.Instance(module, { host: { memory } });
    this.#one = rounds(exports, 'one');
    this.#four = rounds(exports, 'four');
    this.#eight = rounds(exports, 'eight');
    this.#bytes = new Uint8Array(memory.buffer);
    this.#words = new Uint32Array(memory.buffer);
    this.#view = new DataView(memory.buffer);
    for (const [step, constant] of CONSTANTS.entries())
      this.#words.fill(constant, AT.constants / 4 + 4 * step, AT.constants / 4 + 4 * step + 4);
  }

  /** Each of another message. */
  update(pieces: readonly Md5Piece[]): void {
    let under = pieces.map((piece) => this.#wholeBlocks(piece)).filter(({ count }) => count > 0);
    while (under.length > 0) {
      const together = under.slice(0, LANES);
      const count = Math.min(...together.map((blocks) => blocks.count));
      this.#advance(together, count);
      under = under.filter((blocks) => blocks.count > 0);
    }
  }

  /** Of the whole message, which takes no more. */
  digest(message: Md5Message): Buffer {
    const { rest, restBytes, lengthBytes } = message;
    const count = restBytes + 1 + LENGTH_BYTES <= BLOCK_BYTES ? 1 : 2;
    const end = SINGLE.block + count * BLOCK_BYTES;
    this.#bytes.fill(0, SINGLE.block, end);
    this.#bytes.set(rest.subarray(0, restBytes), SINGLE.block);
    this.#bytes[SINGLE.block + restBytes] = 0x80;
    this.#view.setBigUint64(end - LENGTH_BYTES, BigInt.asUintN(64, BigInt(lengthBytes) * 8n), true);
    this.#single(message, SINGLE.block, count);
    const digest = Buffer.alloc(4 * STATE_WORDS);
    for (const [part, word] of message.state.entries()) digest.writeUInt32LE(word, 4 * part);
    return digest;
  }

  /** Without what is no whole block, before and after: that after them is kept already, since a message comes once a call. */
  #wholeBlocks({ message, address, lengthBytes }: Md5Piece): Blocks {
    message.lengthBytes += lengthBytes;
    const before = message.restBytes === 0 ? 0 : Math.min(lengthBytes, BLOCK_BYTES - message.restBytes);
    this.#keep(message, address, before);
    if (message.restBytes === BLOCK_BYTES) {
      this.#bytes.set(message.rest, SINGLE.block);
      this.#single(message, SINGLE.block, 1);
      message.restBytes = 0;
    }
    const count = Math.floor((lengthBytes - before) / BLOCK_BYTES);
    const after = address + before + count * BLOCK_BYTES;
    this.#keep(message, after, address + lengthBytes - after);
    return { message, address: address + before, count };
  }

  #keep(message: Md5Message, address: number, lengthBytes: number): void {
    message.rest.set(this.#bytes.subarray(address, address + lengthBytes), message.restBytes);
    message.restBytes += lengthBytes;
  }

  #advance(together: readonly Blocks[], count: number): void {
    const [first] = together;
    if (first === undefined) return;
    if (together.length === 1) this.#single(first.message, first.address, count);
    else {
      const lanes = together.length <= LANES / 2 ? LANES / 2 : LANES;
      for (const [lane, { message }] of together.entries())
        for (let part = 0; part < STATE_WORDS; part += 1)
          this.#words[stateWord(lane, part)] = message.state[part] ?? 0;
      // Lanes that have no message go through the first one's once more.
      const addresses = Array.from({ length: lanes }, (_, lane) => (together[lane] ?? first).address);
      (lanes === LANES ? this.#eight : this.#four)(...addresses, count);
      for (const [lane, { message }] of together.entries())
        for (let part = 0; part < STATE_WORDS; part += 1)
          message.state[part] = this.#words[stateWord(lane, part)] ?? 0;
    }
    for (const blocks of together) {
      blocks.address += count * BLOCK_BYTES;
      blocks.count -= count;
    }
  }

  #single({ state }: Md5Message, address: number, count: number): void {
    const at = SINGLE.state / 4;
    this.#words.set(state, at);
    this.#one(SINGLE.state, address, count);
    state.set(this.#words.subarray(at, at + STATE_WORDS));
  }
}

/** Of four messages the same part of the state is a vector. */
function stateWord(lane: number, part: number): number {
  const group = Math.floor(lane / 4);
  return AT.states / 4 + 4 * (group * STATE_WORDS + part) + (lane % 4);
}

function rounds(exports: WebAssembly.Exports, name: string): Rounds {
  const found = exports[name];
  if (typeof found !== 'function') throw new TypeError(`the module has no ${name}`);
  return (...parameters) => void found(...parameters);
}
