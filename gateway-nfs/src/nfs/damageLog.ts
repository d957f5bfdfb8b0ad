/** What the log is told of damaged bytes: the client hears of an I/O error, and cannot say where and why. */
import { type FileRef, type FileView, FsError } from '@facet/core';
import type { Logger } from '../rpc/program.ts';

export function isDamage(error: unknown): error is FsError {
  return error instanceof FsError && error.code === 'Corrupt';
}

/** One line: whose bytes, where they lie, what to do. */
export async function logDamage(
  { files: view, log }: { readonly files: Pick<FileView, 'whereabouts'>; readonly log: Logger },
  {
    procedure,
    files,
    error,
  }: { readonly procedure: string; readonly files: readonly FileRef[]; readonly error: FsError },
): Promise<void> {
  const [file] = files;
  const place = file && (await view.whereabouts({ file }).catch(() => undefined));
  log.error({ procedure, ...place, inode: file?.inode, damage: error.message }, DAMAGED);
}

const DAMAGED =
  "a file's stored bytes are damaged: write it again from a copy of yours, or remove it; 'facet fsck --full' finds all damage";
