/**
 * The CRC of two runs of bytes put together, from the CRC of each and the length of the second.
 *
 * A CRC is linear over GF(2): appending one zero bit is a matrix over the bits of the CRC, appending n of them is
 * its n-th power, and crc(A‖B) = M^(8·|B|)·crc(A) ⊕ crc(B). Holds for CRCs whose register starts and ends inverted,
 * which all of S3's do.
 */

/** A CRC of 32 or 64 bits as two halves, so that the bit operators can be used; `high` is 0 for 32 bits. */
interface CrcHalves {
  high: number;
  low: number;
}

/**
 * Column i is the image of bit i: `[low, high]` at `2i`, `2i + 1`.
 * Bits are numbered from the least significant one.
 */
type Matrix = Uint32Array;

export class CrcCombiner {
  readonly #lengthBytes: 4 | 8;
  /** The matrix for 2^k zero bytes at index k, worked out when first needed. */
  readonly #powers: Matrix[] = [];

  /** `polynomial` is the reflected one. */
  constructor(lengthBytes: 4 | 8, polynomial: bigint) {
    this.#lengthBytes = lengthBytes;
    let zeros = oneZeroBit(lengthBytes * 8, polynomial);
    for (let bits = 1; bits < 8; bits *= 2) zeros = square(zeros);
    this.#powers.push(zeros);
  }

  /** Both CRCs big-endian; `secondLength` in bytes. */
  combine(first: Uint8Array, second: Uint8Array, secondLength: number): Buffer {
    const crc = this.#read(first);
    let remaining = secondLength;
    for (let k = 0; remaining > 0; k++) {
      if (remaining % 2 === 1) multiply(this.#power(k), crc);
      remaining = Math.floor(remaining / 2);
    }
    const tail = this.#read(second);
    crc.low ^= tail.low;
    crc.high ^= tail.high;
    return this.#write(crc);
  }

  #power(k: number): Matrix {
    let known = this.#powers.length;
    let matrix = this.#powers[Math.min(k, known - 1)] ?? new Uint32Array();
    for (; known <= k; known++) {
      matrix = square(matrix);
      this.#powers.push(matrix);
    }
    return matrix;
  }

  #read(bytes: Uint8Array): CrcHalves {
    const view = new DataView(bytes.buffer, bytes.byteOffset, this.#lengthBytes);
    return this.#lengthBytes === 4
      ? { high: 0, low: view.getUint32(0) }
      : { high: view.getUint32(0), low: view.getUint32(4) };
  }

  #write({ high, low }: CrcHalves): Buffer {
    const out = Buffer.allocUnsafe(this.#lengthBytes);
    if (this.#lengthBytes === 8) out.writeUInt32BE(high >>> 0, 0);
    out.writeUInt32BE(low >>> 0, this.#lengthBytes - 4);
    return out;
  }
}

/** Shift right by one; the bit that falls out brings the polynomial in. */
function oneZeroBit(bits: number, polynomial: bigint): Matrix {
  const matrix = new Uint32Array(bits * 2);
  matrix[0] = Number(polynomial & 0xffffffffn);
  matrix[1] = Number(polynomial >> 32n);
  for (let i = 1; i < bits; i++) {
    const image = i - 1;
    matrix[2 * i + (image >= 32 ? 1 : 0)] = (1 << (image % 32)) >>> 0;
  }
  return matrix;
}

/** crc := matrix · crc. Without branches: the bits of a CRC are as good as random, and a branch on each would miss. */
function multiply(matrix: Matrix, crc: CrcHalves): void {
  let high = 0;
  let low = 0;
  let at = 0;
  for (let bits = crc.low; bits !== 0; bits >>>= 1, at += 2) {
    const mask = -(bits & 1);
    low ^= (matrix[at] ?? 0) & mask;
    high ^= (matrix[at + 1] ?? 0) & mask;
  }
  at = 64;
  for (let bits = crc.high; bits !== 0; bits >>>= 1, at += 2) {
    const mask = -(bits & 1);
    low ^= (matrix[at] ?? 0) & mask;
    high ^= (matrix[at + 1] ?? 0) & mask;
  }
  crc.high = high;
  crc.low = low;
}

function square(matrix: Matrix): Matrix {
  const squared = new Uint32Array(matrix.length);
  for (let at = 0; at < matrix.length; at += 2) {
    const column: CrcHalves = { low: matrix[at] ?? 0, high: matrix[at + 1] ?? 0 };
    multiply(matrix, column);
    squared[at] = column.low;
    squared[at + 1] = column.high;
  }
  return squared;
}
