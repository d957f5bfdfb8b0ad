/** Etags as text, and the preconditions that compare them. */

import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { FsError } from '../errors.ts';
import type { InodeId } from '../ids.ts';
import type { Inode } from '../meta/records/inode.ts';
import type { Etag, WritePrecondition } from './types.ts';

/** The MD5 of no bytes. */
export const EMPTY_ETAG: Etag = { digest: createHash('md5').digest(), parts: 0 };

export function etagText(etag: Etag): string {
  const { digest, parts } = etag;
  const text = Buffer.prototype.hexSlice.call(digest, 0, digest.length);
  return parts > 0 ? `${text}-${parts}` : text;
}

interface MarkedFile {
  readonly id: InodeId;
  readonly inode: Pick<Inode, 'generation' | 'dataVersion' | 'etag'>;
}

/**
 * What stands for an MD5 once a file was changed through the file view: it changes with every change of data
 * and with nothing else. The suffix keeps clients from taking it for an MD5.
 */
function changeMark(file: MarkedFile): Etag {
  const digest = Buffer.alloc(16);
  digest.writeUInt32BE(file.id % 0x1_0000_0000, 0);
  digest.writeUInt32BE(file.inode.generation, 4);
  digest.writeBigUInt64BE(BigInt(file.inode.dataVersion), 8);
  return { digest, parts: 1 };
}

export function inodeEtag(file: MarkedFile): Etag {
  return file.inode.etag ?? changeMark(file);
}

/**
 * Checks what a writer demanded of the object as it is now (`undefined`: there is none).
 * @throws FsError PreconditionFailed | NoEntry (ifMatch where there is no object)
 * @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
export function checkWritePrecondition(
  precondition: WritePrecondition | undefined,
  current: string | undefined,
): void {
  if (!precondition) return;
  const { ifMatch, ifNoneMatch } = precondition;
  if (ifMatch) {
    if (current === undefined) throw new FsError('NoEntry', 'ifMatch: there is no such object');
    if (!matches(ifMatch, current)) {
      throw new FsError('PreconditionFailed', `ifMatch: the object's etag is ${current}`);
    }
  }
  if (ifNoneMatch && current !== undefined && matches(ifNoneMatch, current)) {
    throw new FsError('PreconditionFailed', `ifNoneMatch: there is an object with etag ${current}`);
  }
}

function matches(wanted: readonly string[], current: string): boolean {
  return wanted.some((etag) => etag === '*' || etag === current);
}
