/**
 * MD5's compression function as a WebAssembly module: for one message, and for several at once in the lanes of vectors. One message's
 * steps each wait for the one before; those of others fill that time.
 * @source RFC 1321, section 3.4
 */
import { assemble, type Code, get, i32, i32x4, type ModuleFunction, repeat, set, TYPE } from './assembler.ts';

export const BLOCK_BYTES = 64;
export const STATE_WORDS = 4;
const STEPS = 64;
const VECTOR_BYTES = 16;
const LANES_OF_VECTOR = 4;
const GROUPS_MAX = 2;

/** Where the module has what it needs in memory, below {@link ROUNDS_BYTES}; in bytes. */
export const AT = {
  /** Each of the 64 constants four times, for all lanes of a vector. */
  constants: 0,
  /** The blocks of a group of four messages, turned: a vector has the same word of each. */
  turned: STEPS * VECTOR_BYTES,
  /** Of each group four vectors: a, b, c, d of its messages. */
  states: STEPS * VECTOR_BYTES + GROUPS_MAX * LANES_OF_VECTOR * BLOCK_BYTES,
} as const;
export const ROUNDS_BYTES = AT.states + GROUPS_MAX * STATE_WORDS * VECTOR_BYTES;

export const CONSTANTS: readonly number[] = Array.from(
  { length: STEPS },
  (_, step) => Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32) | 0,
);

interface Arithmetic {
  add(left: Code, right: Code): Code;
  and(left: Code, right: Code): Code;
  or(left: Code, right: Code): Code;
  xor(left: Code, right: Code): Code;
  not(value: Code): Code;
  rotateLeft(value: Code, bits: number): Code;
}

interface Round {
  /** Which word of the block a step takes. */
  word(step: number): number;
  readonly shifts: readonly number[];
  mix(ops: Arithmetic, b: Code, c: Code, d: Code): Code;
}

const ROUNDS: readonly Round[] = [
  {
    word: (step) => step,
    shifts: [7, 12, 17, 22],
    mix: ({ xor, and }, b, c, d) => xor(d, and(b, xor(c, d))),
  },
  {
    word: (step) => 5 * step + 1,
    shifts: [5, 9, 14, 20],
    mix: ({ xor, and }, b, c, d) => xor(c, and(d, xor(b, c))),
  },
  { word: (step) => 3 * step + 5, shifts: [4, 11, 16, 23], mix: ({ xor }, b, c, d) => xor(xor(b, c), d) },
  {
    word: (step) => 7 * step,
    shifts: [6, 10, 15, 21],
    mix: ({ xor, or, not }, b, c, d) => xor(c, or(b, not(d))),
  },
];

/** Locals of a, b, c and d as a step sees them. */
type Registers = readonly [a: number, b: number, c: number, d: number];

/** What a step does with a message, or with those of a vector. */
interface Steps {
  readonly ops: Arithmetic;
  readonly registers: Registers;
  /** A word of the block. */
  load(word: number): Code;
  constant(step: number): Code;
}

/** Where a step leaves its result is the next one's b: registers change their parts, and not their places. */
function partsIn(step: number, [a, b, c, d]: Registers): Registers {
  const turns: readonly Registers[] = [
    [a, b, c, d],
    [d, a, b, c],
    [c, d, a, b],
    [b, c, d, a],
  ];
  return turns[step % STATE_WORDS] ?? [a, b, c, d];
}

/** All steps of a block. Those of several are taken in turns, for the processor to have them side by side. */
function steps(all: readonly Steps[]): Code {
  const code: number[] = [];
  for (let step = 0; step < STEPS; step += 1) {
    const round = ROUNDS[Math.floor(step / 16)];
    if (round === undefined) throw new RangeError(`MD5 has no step ${step}`);
    for (const { ops, registers, load, constant } of all) {
      const [a, b, c, d] = partsIn(step, registers);
      const sum = ops.add(
        ops.add(ops.add(get(a), load(round.word(step) % 16)), constant(step)),
        round.mix(ops, get(b), get(c), get(d)),
      );
      code.push(...set(a, sum));
    }
    for (const { ops, registers } of all) {
      const [a, b] = partsIn(step, registers);
      const shifted = ops.rotateLeft(get(a), round.shifts[step % 4] ?? 0);
      code.push(...set(a, ops.add(shifted, get(b))));
    }
  }
  return code;
}

const ZERO = i32.const(0);

/** `one(state, data, blocks)`: the addresses of four words and of a message's next blocks, and how many, at least one. */
function one(): ModuleFunction {
  const [state, data, blocks] = [0, 1, 2];
  const registers: Registers = [3, 4, 5, 6];
  const block = steps([
    {
      ops: i32,
      registers,
      load: (word) => i32.load(get(data), 4 * word),
      constant: (step) => i32.const(CONSTANTS[step] ?? 0),
    },
  ]);
  const saved = (part: number): Code => i32.load(get(state), 4 * part);
  return {
    name: 'one',
    parameters: 3,
    locals: { type: TYPE.i32, count: STATE_WORDS },
    body: [
      ...registers.flatMap((local, part) => set(local, saved(part))),
      ...repeat(blocks, [
        ...block,
        ...registers.flatMap((local, part) => [
          ...set(local, i32.add(get(local), saved(part))),
          ...i32.store(get(state), 4 * part, get(local)),
        ]),
        ...set(data, i32.add(get(data), i32.const(BLOCK_BYTES))),
      ]),
    ],
  };
}

/**
 * `four(…data, blocks)`, or `eight`: of so many messages the next blocks' addresses, and how many; states are in memory.
 *
 *     registers = states
 *     repeat blocks times:
 *       turned = a block of each message, words side by side
 *       64 steps on the registers of each group in turns
 *       registers += states; states = registers
 *       each address += 64
 *
 * Locals: the addresses, `blocks`, then of each group a, b, c and d, then eight that turn blocks.
 */
function many(name: 'four' | 'eight', groups: number): ModuleFunction {
  const lanes = groups * LANES_OF_VECTOR;
  const blocks = lanes;
  const firstRegister = lanes + 1;
  const firstRow = firstRegister + groups * STATE_WORDS;
  const all = Array.from({ length: groups }, (_, group) => {
    const [a, b, c, d] = [0, 1, 2, 3].map((part) => firstRegister + group * STATE_WORDS + part);
    if (a === undefined || b === undefined || c === undefined || d === undefined) throw new RangeError();
    const registers: Registers = [a, b, c, d];
    const stateAt = (part: number) => AT.states + VECTOR_BYTES * (group * STATE_WORDS + part);
    const turnedAt = (word: number) =>
      AT.turned + BLOCK_BYTES * LANES_OF_VECTOR * group + VECTOR_BYTES * word;
    return { group, registers, stateAt, turnedAt };
  });
  const block = steps(
    all.map(({ registers, turnedAt }) => ({
      ops: i32x4,
      registers,
      load: (word) => i32x4.load(ZERO, turnedAt(word)),
      constant: (step) => i32x4.load(ZERO, AT.constants + VECTOR_BYTES * step),
    })),
  );
  return {
    name,
    parameters: lanes + 1,
    locals: { type: TYPE.v128, count: groups * STATE_WORDS + 2 * LANES_OF_VECTOR },
    body: [
      ...all.flatMap(({ registers, stateAt }) =>
        registers.flatMap((local, part) => set(local, i32x4.load(ZERO, stateAt(part)))),
      ),
      ...repeat(blocks, [
        ...all.flatMap(({ group, turnedAt }) => turn(group * LANES_OF_VECTOR, firstRow, turnedAt)),
        ...block,
        ...all.flatMap(({ registers, stateAt }) =>
          registers.flatMap((local, part) => [
            ...set(local, i32x4.add(get(local), i32x4.load(ZERO, stateAt(part)))),
            ...i32x4.store(ZERO, stateAt(part), get(local)),
          ]),
        ),
        ...Array.from({ length: lanes }, (_, lane) =>
          set(lane, i32.add(get(lane), i32.const(BLOCK_BYTES))),
        ).flat(),
      ]),
    ],
  };
}

/** A block of each of four messages: rows of four words become columns. @param rows the first of eight locals */
function turn(firstLane: number, rows: number, turnedAt: (word: number) => number): Code {
  const row = (at: number): Code => get(rows + at);
  const code: number[] = [];
  for (let word = 0; word < BLOCK_BYTES / 4; word += LANES_OF_VECTOR) {
    for (let lane = 0; lane < LANES_OF_VECTOR; lane += 1)
      code.push(...set(rows + lane, i32x4.load(get(firstLane + lane), 4 * word)));
    code.push(
      ...set(rows + 4, i32x4.shuffle(row(0), row(1), [0, 4, 1, 5])),
      ...set(rows + 5, i32x4.shuffle(row(2), row(3), [0, 4, 1, 5])),
      ...set(rows + 6, i32x4.shuffle(row(0), row(1), [2, 6, 3, 7])),
      ...set(rows + 7, i32x4.shuffle(row(2), row(3), [2, 6, 3, 7])),
      ...i32x4.store(ZERO, turnedAt(word), i32x4.shuffle(row(4), row(5), [0, 1, 4, 5])),
      ...i32x4.store(ZERO, turnedAt(word + 1), i32x4.shuffle(row(4), row(5), [2, 3, 6, 7])),
      ...i32x4.store(ZERO, turnedAt(word + 2), i32x4.shuffle(row(6), row(7), [0, 1, 4, 5])),
      ...i32x4.store(ZERO, turnedAt(word + 3), i32x4.shuffle(row(6), row(7), [2, 3, 6, 7])),
    );
  }
  return code;
}

export function md5Module(memoryPages: number): Uint8Array<ArrayBuffer> {
  return assemble([one(), many('four', 1), many('eight', GROUPS_MAX)], memoryPages);
}
