/** Which file a lock is on: by the handle that NFS gave out, for callers that the volume's export admits. */
import { type FileRef, type FileView, FsError, type VolumeView } from '@facet/core';
import { accessOf } from '../exports/access.ts';
import type { FileHandles } from '../nfs/handles.ts';
import type { LocateFile } from './lockManager.ts';

export interface LocateFileParts {
  readonly files: Pick<FileView, 'getattr'>;
  readonly volumes: Pick<VolumeView, 'getExport'>;
  readonly handles: Pick<FileHandles, 'decode'>;
}

/** What the lock manager calls a file. */
export const lockedFile = ({ volume, inode, generation }: FileRef): string =>
  `${volume}/${inode}/${generation}`;

export function createLocateFile({ files, volumes, handles }: LocateFileParts): LocateFile {
  return async (handle, call) => {
    const ref = handles.decode(handle);
    if (ref === undefined) return { kind: 'unknown' };
    const file = lockedFile(ref);
    try {
      const policy = await volumes.getExport(ref.volume);
      if (accessOf(policy, call) === undefined) return { kind: 'refused' };
      await files.getattr({ file: ref });
    } catch (error) {
      if (error instanceof FsError && (error.code === 'Stale' || error.code === 'NoSuchVolume')) {
        return { kind: 'gone', file };
      }
      throw error;
    }
    return { kind: 'file', file };
  };
}
