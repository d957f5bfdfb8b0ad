/**
 * As much of WebAssembly's binary format as a module of straight arithmetic needs. An expression is the code that leaves its value
 * on the stack.
 * @source WebAssembly Core Specification 2.0, chapter 5 "Binary Format"
 */

export type Code = readonly number[];

export const TYPE = { i32: 0x7f, v128: 0x7b } as const;
type ValueType = (typeof TYPE)[keyof typeof TYPE];

const MAGIC_AND_VERSION: Code = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const SECTION = { type: 1, import: 2, function: 3, export: 7, code: 10 } as const;
const FUNCTION_TYPE = 0x60;
const SHARED_WITH_MAXIMUM = 3;
const KIND = { function: 0, memory: 2 } as const;
const NO_RESULT = 0x40;
const SIMD = 0xfd;
const END = 0x0b;

/** LEB128, as all integers are but those of constants. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): Code {
  const isLast = value >= -0x40 && value < 0x40;
  return isLast ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}

/** Numbers of vector instructions. */
const VECTOR = {
  load: 0,
  store: 11,
  shuffle: 13,
  not: 77,
  and: 78,
  or: 80,
  xor: 81,
  shiftLeft: 171,
  shiftRight: 173,
  add: 174,
} as const;

const simd = (instruction: keyof typeof VECTOR): Code => [SIMD, ...unsigned(VECTOR[instruction])];
/** Alignment is a hint: none is promised. */
const at = (offset: number): Code => [0, ...unsigned(offset)];
const binary =
  (opcode: Code) =>
  (left: Code, right: Code): Code => [...left, ...right, ...opcode];

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)];

export const i32 = {
  const: (value: number): Code => [0x41, ...signed(value | 0)],
  load: (address: Code, offset: number): Code => [...address, 0x28, ...at(offset)],
  store: (address: Code, offset: number, value: Code): Code => [...address, ...value, 0x36, ...at(offset)],
  add: binary([0x6a]),
  and: binary([0x71]),
  or: binary([0x72]),
  xor: binary([0x73]),
  not: (value: Code): Code => i32.xor(value, i32.const(-1)),
  rotateLeft: (value: Code, bits: number): Code => [...value, ...i32.const(bits), 0x77],
} as const;

/** Four 32-bit integers. */
export const i32x4 = {
  load: (address: Code, offset: number): Code => [...address, ...simd('load'), ...at(offset)],
  store: (address: Code, offset: number, value: Code): Code => [
    ...address,
    ...value,
    ...simd('store'),
    ...at(offset),
  ],
  add: binary(simd('add')),
  and: binary(simd('and')),
  or: binary(simd('or')),
  xor: binary(simd('xor')),
  not: (value: Code): Code => [...value, ...simd('not')],
  rotateLeft: (value: Code, bits: number): Code =>
    i32x4.or(
      [...value, ...i32.const(bits), ...simd('shiftLeft')],
      [...value, ...i32.const(32 - bits), ...simd('shiftRight')],
    ),
  /** @param picked of each of the four which one of the eight it is */
  shuffle: (left: Code, right: Code, picked: readonly [number, number, number, number]): Code => [
    ...left,
    ...right,
    ...simd('shuffle'),
    ...picked.flatMap((word) => [0, 1, 2, 3].map((byte) => 4 * word + byte)),
  ],
} as const;

/** Goes through the body so often as a local that is above 0 says, and counts that down. */
export function repeat(count: number, body: Code): Code {
  const countDown = i32.add(get(count), i32.const(-1));
  return [0x03, NO_RESULT, ...body, ...countDown, 0x22, ...unsigned(count), 0x0d, 0, END];
}

/** It takes integers, its first locals, and has no result. */
export interface ModuleFunction {
  readonly name: string;
  readonly parameters: number;
  readonly locals: { readonly type: ValueType; readonly count: number };
  readonly body: Code;
}

/** A module that works on shared memory of so many pages, imported as `host.memory`. */
export function assemble(functions: readonly ModuleFunction[], memoryPages: number): Uint8Array<ArrayBuffer> {
  const text = (value: string): Code => counted([...Buffer.from(value)]);
  const limits = [SHARED_WITH_MAXIMUM, ...unsigned(memoryPages), ...unsigned(memoryPages)];
  return Uint8Array.from([
    ...MAGIC_AND_VERSION,
    ...section(
      SECTION.type,
      functions.map(({ parameters }) => [
        FUNCTION_TYPE,
        ...counted(new Array<number>(parameters).fill(TYPE.i32)),
        0,
      ]),
    ),
    ...section(SECTION.import, [[...text('host'), ...text('memory'), KIND.memory, ...limits]]),
    ...section(
      SECTION.function,
      functions.map((_, index) => unsigned(index)),
    ),
    ...section(
      SECTION.export,
      functions.map(({ name }, index) => [...text(name), KIND.function, ...unsigned(index)]),
    ),
    ...section(
      SECTION.code,
      functions.map(({ locals: { type, count }, body }) =>
        counted([1, ...unsigned(count), type, ...body, END]),
      ),
    ),
  ]);
}

function counted(bytes: Code): Code {
  return [...unsigned(bytes.length), ...bytes];
}

function section(id: number, items: readonly Code[]): Code {
  return [id, ...counted([...unsigned(items.length), ...items.flat()])];
}
