import { FsError } from '../errors.ts';

const WHY: Readonly<Record<string, string>> = {
  ENOSPC: 'its disk is full',
  EDQUOT: 'the quota there is used up',
  EROFS:
    'its file system is read-only, for the process that writes at least: a server that is a service may be kept to its own places',
  EACCES: 'whoever runs the store may not write there',
  EPERM: 'whoever runs the store may not write there',
  ENOENT: 'the directory above it does not exist',
  ENOTDIR: 'it, or something in it, is no directory',
  EISDIR: 'something in it is a directory that is to be a file',
  EEXIST: 'something in it is in the way of a file that is to be made',
  ELOOP: 'a file in it is a symbolic link, and what that leads to is left alone',
  EIO: 'its disk fails',
};

/** An error of the disk that backups are written to, in words; any other unchanged. */
export function fromTarget(error: unknown): unknown {
  return inWords(error, { verb: 'used', why: WHY });
}

/** Of one that backups are read from. */
export function fromSource(error: unknown): unknown {
  const denied = 'permission denied';
  return inWords(error, { verb: 'read', why: { ...WHY, EACCES: denied, EPERM: denied } });
}

function inWords(
  error: unknown,
  { verb, why }: { readonly verb: string; readonly why: Readonly<Record<string, string>> },
): unknown {
  if (!(error instanceof Error) || error instanceof FsError) return error;
  const posixName = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (!/^E[A-Z0-9]+$/.test(posixName)) return error;
  const code = ['ENOSPC', 'EDQUOT'].includes(posixName) ? 'NoSpace' : 'Failed';
  const reason = `${why[posixName] ?? 'it fails'} (${error.message})`;
  return new FsError(code, `the directory of backups can not be ${verb}: ${reason}`, { cause: error });
}
