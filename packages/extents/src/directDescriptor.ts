/**
 * A second descriptor of an open file, whose writes are durable and go past the page cache: of what is written once, and
 * read at the next start, no copy is of use there. Reads, and all that is not of whole blocks, stay with the first.
 *
 * @source Linux man page open(2), O_DIRECT
 */

import * as fs from 'node:fs';

/** Undefined where the system or the file system has no such thing. */
export function openDirect(fd: number): number | undefined {
  const { O_DIRECT, O_DSYNC, O_WRONLY } = fs.constants;
  // A system that is not Linux has none, whatever the types say.
  if (typeof O_DIRECT !== 'number') return undefined;
  try {
    // By way of the first: the name may be another file's by now.
    return fs.openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_DIRECT | O_DSYNC);
  } catch {
    return undefined;
  }
}
