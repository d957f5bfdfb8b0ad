/**
 * A second descriptor of an open file, whose writes go past the page cache: what is copied there costs more than the
 * writing itself where memory is cold. Reads, and all that is not of whole blocks, stay with the first.
 *
 * @source Linux man page open(2), O_DIRECT
 */

import * as fs from 'node:fs';
import type { Writes } from './disk.ts';

/** Undefined where the system or the file system has no such thing. */
export function openDirect(fd: number, { durable }: { readonly durable: boolean }): number | undefined {
  const { O_DIRECT, O_DSYNC, O_WRONLY } = fs.constants;
  // A system that is not Linux has none, whatever the types say.
  if (typeof O_DIRECT !== 'number') return undefined;
  try {
    // By way of the first: the name may be another file's by now.
    return fs.openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_DIRECT | (durable ? O_DSYNC : 0));
  } catch {
    return undefined;
  }
}

export function isDirect(writes: Writes | 'none'): boolean {
  return writes === 'direct' || writes === 'durable direct';
}

export function isDurable(writes: Writes | 'none'): boolean {
  return writes === 'durable' || writes === 'durable direct';
}
