/**
 * What READDIR and READDIRPLUS share: the place in a directory, and how many entries an answer has room for,
 * counted to the byte. Entries are never split; where not one fits the answer is NFS3ERR_TOOSMALL.
 *
 * A cookie is good for as long as its directory, also when its entry is gone and over restarts, so that the
 * verifier has nothing to tell and is always zeros: what RFC 1813 §3.3.16 has for servers of that kind.
 */
import type { DirectoryEntry, FileRef } from '@facet/core';
import { shownEntry } from '../names/entries.ts';
import type { XdrWriter } from '../xdr/writer.ts';
import type { Arguments } from './arguments.ts';
import { POST_OP_ATTR_BYTES } from './attributes.ts';
import { Nfs3Error } from './status.ts';

const VERIFIER_BYTES = 8;
export const COOKIE_VERIFIER = Buffer.alloc(VERIFIER_BYTES);

/** The answer without its entries: attributes, verifier, the flag that none follows, eof. */
export const LIST_BYTES = POST_OP_ATTR_BYTES + VERIFIER_BYTES + 4 + 4;
/** An entry without its name: the flag that it follows, fileid, the name's length, cookie. */
export const ENTRY_BYTES = 4 + 8 + 4 + 8;
/** What a name takes as a rule: it tells how many entries to ask the core for at once. */
export const USUAL_NAME_BYTES = 16;

interface Position {
  readonly directory: FileRef;
  readonly after: number;
}

/** Handle, cookie and cookieverf. @throws Nfs3Error NFS3ERR_BAD_COOKIE */
export function readPosition(args: Arguments): Position {
  const directory = args.file();
  const cookie = args.xdr.uint64();
  const verifier = args.xdr.fixed(VERIFIER_BYTES);
  if (cookie !== 0n && !verifier.equals(COOKIE_VERIFIER)) {
    throw new Nfs3Error('NFS3ERR_BAD_COOKIE', `${verifier.toString('hex')} is no verifier of ours`);
  }
  // The core refuses what is no safe integer.
  return { directory, after: Number(cookie) };
}

interface ShownEntry {
  readonly entry: DirectoryEntry;
  readonly name: Buffer;
}

export interface Listed {
  readonly entries: readonly ShownEntry[];
  readonly end: boolean;
}

interface Room {
  /** For all entries. Less than 0: the answer has no room even without. */
  readonly bytesMax: number;
  /** What each takes besides its name. */
  readonly entryBytes: number;
  /** What the names alone may take, with {@link ENTRY_BYTES} each; the first entry may take more. */
  readonly namesBytesMax?: number;
}

/** As many entries as fit, from the first. @throws Nfs3Error NFS3ERR_TOOSMALL */
export function fill(
  page: { readonly entries: readonly DirectoryEntry[]; readonly end: boolean },
  { bytesMax, entryBytes, namesBytesMax = Number.POSITIVE_INFINITY }: Room,
): Listed {
  const entries: ShownEntry[] = [];
  let bytes = 0;
  let namesBytes = 0;
  for (const entry of page.entries) {
    const name = shownEntry(entry);
    const nameBytes = Math.ceil(name.length / 4) * 4;
    bytes += entryBytes + nameBytes;
    namesBytes += ENTRY_BYTES + nameBytes;
    if (bytes > bytesMax || (namesBytes > namesBytesMax && entries.length > 0)) break;
    entries.push({ entry, name });
  }
  const all = entries.length === page.entries.length;
  if (bytesMax < 0 || (entries.length === 0 && !all)) {
    throw new Nfs3Error('NFS3ERR_TOOSMALL', `${bytesMax} bytes have no room for an entry`);
  }
  return { entries, end: page.end && all };
}

/** Entries, each followed by what `writeMore` has to say of it, and eof. */
export function writeListed(
  out: XdrWriter,
  { entries, end }: Listed,
  writeMore: (out: XdrWriter, entry: DirectoryEntry) => void,
): void {
  out.list(entries, (to, { entry, name }) => {
    to.uint64(entry.inode).opaque(name).uint64(entry.cookie);
    writeMore(to, entry);
  });
  out.bool(end);
}
