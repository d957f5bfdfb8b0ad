/** Which file a lock is on: by the handle that NFS gave out, for callers that the volume's export admits. */
import { type FileView, FsError, type VolumeView } from '@facet/core';
import { accessOf } from '../exports/access.ts';
import type { FileHandles } from '../nfs/handles.ts';
import type { LocateFile } from './lockManager.ts';

export interface LocateFileParts {
  readonly files: Pick<FileView, 'getattr'>;
  readonly volumes: Pick<VolumeView, 'getExport'>;
  readonly handles: Pick<FileHandles, 'decode'>;
}

export function createLocateFile({ files, volumes, handles }: LocateFileParts): LocateFile {
  return async (handle, call) => {
    const ref = handles.decode(handle);
    if (ref === undefined) return { kind: 'unknown' };
    const file = `${ref.volume}/${ref.inode}/${ref.generation}`;
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
