/** Runs a decoder over wire bytes cut in a given way, and says what came of it. */
import type { TrailerMap } from '../../src/body/decoder.ts';
import { type BodyFraming, openDecoder } from '../../src/body/openDecoder.ts';
import { S3Error } from '../../src/errors.ts';

export type Outcome =
  | { readonly kind: 'accepted'; readonly bytes: Buffer; readonly trailers: TrailerMap }
  | { readonly kind: 'refused'; readonly code: string };

export function decode(framing: BodyFraming, pushes: readonly Buffer[]): Outcome {
  try {
    const decoder = openDecoder(framing);
    const pieces: Buffer[] = [];
    for (const push of pushes) pieces.push(...decoder.push(push));
    const trailers = decoder.end();
    return { kind: 'accepted', bytes: Buffer.concat(pieces), trailers };
  } catch (error) {
    if (error instanceof S3Error) return { kind: 'refused', code: error.code };
    throw error;
  }
}

/** Cuts at the given places (any order, any numbers: taken modulo the length). */
export function cutAt(wire: Buffer, places: readonly number[]): readonly Buffer[] {
  const cuts = [...new Set(places.map((place) => place % (wire.length + 1)))].sort((a, b) => a - b);
  return [0, ...cuts].map((start, i) => wire.subarray(start, cuts[i] ?? wire.length));
}

export function byteByByte(wire: Buffer): readonly Buffer[] {
  return Array.from(wire, (_, i) => wire.subarray(i, i + 1));
}
