/** Exit codes: what a script can tell from a command's end without reading its words. */

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  inUse: 5,
  damage: 6,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_CODE_MEANINGS: Readonly<Record<ExitCode, string>> = {
  0: 'done',
  1: 'failed: the text says why',
  2: 'usage: a flag, an argument or a setting is wrong',
  3: 'not found: no such store, volume, account, access key or backup',
  4: 'conflict: it exists already, is not empty, or the backups there are of another store',
  5: 'the store, or the directory of backups, is in use by another process, or its server does not answer',
  6: 'damage was found, in the store or in a backup',
};
