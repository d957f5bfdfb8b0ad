import { FsError } from '../errors.ts';

const WHY: Readonly<Record<string, string>> = {
  ENOSPC: 'its disk is full',
  EDQUOT: 'the quota there is used up',
  EROFS:
    'its file system is read-only, for the process that writes at least: a server that is a service may be kept to its own places',
  EACCES: 'whoever runs the store may not write there',
  EPERM: 'whoever runs the store may not write there',
  ENOENT: 'the directory above it does not exist',
  ENOTDIR: 'it is no directory',
};

/** An error of the disk that backups are on, in words; any other unchanged. */
export function fromTarget(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof FsError) return error;
  const posixName = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (!/^E[A-Z0-9]+$/.test(posixName)) return error;
  const why = WHY[posixName] ?? 'it fails';
  const code = ['ENOSPC', 'EDQUOT'].includes(posixName) ? 'NoSpace' : 'Failed';
  return new FsError(code, `the directory of backups can not be used: ${why} (${error.message})`, {
    cause: error,
  });
}
