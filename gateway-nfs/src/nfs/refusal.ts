/**
 * What a refusal tells of the files that the call was on. The core says how the operation found them; where it does
 * not, or was not asked, they are looked at now, and there is nothing to say of before.
 */
import { type BeforeAfter, type FileAttributes, type FileRef, type FileView, FsError } from '@facet/core';
import { writePostOpAttr, writeWccData } from './attributes.ts';
import type { Results, Told } from './procedure.ts';

export interface Refused {
  readonly told: readonly Told[];
  /** In the order of the arguments, as far as they were read and the sender may know of them. */
  readonly files: readonly FileRef[];
  readonly error: unknown;
}

/** Writes what follows the status. */
export async function tellOfRefused(view: FileView, { told, files, error }: Refused): Promise<Results> {
  const seen = error instanceof FsError ? Object.values(error.seen) : [];
  const known = await Promise.all(
    told.map(async (_, index): Promise<Partial<BeforeAfter>> => {
      const file = files[index];
      if (!file) return {};
      const found = seen.find(
        (one: FileAttributes) => one.volume === file.volume && one.inode === file.inode,
      );
      if (found) return { before: found, after: found };
      const after = await view.getattr({ file }).catch(() => undefined);
      return after ? { after } : {};
    }),
  );
  return (out) => {
    for (const [index, how] of told.entries()) {
      const attributes = known[index] ?? {};
      if (how === 'wcc_data') writeWccData(out, attributes);
      else writePostOpAttr(out, attributes.after);
    }
  };
}
