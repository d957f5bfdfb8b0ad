/** Exit codes: what a script can tell from a command's end without reading its words. */

import type { FsErrorCode } from '@facet/core';

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
  3: 'not found: no such store, volume, account or access key',
  4: 'conflict: it exists already, or is not empty',
  5: 'the store is in use by another process',
  6: 'damage was found in the store',
};

/** Every code of the core has an answer here, or this does not compile. */
export const EXIT_CODE_OF = {
  NoEntry: EXIT.notFound,
  Exists: EXIT.conflict,
  NotDirectory: EXIT.conflict,
  IsDirectory: EXIT.conflict,
  NotEmpty: EXIT.conflict,
  NameTooLong: EXIT.usage,
  Invalid: EXIT.usage,
  Stale: EXIT.notFound,
  TooManyLinks: EXIT.conflict,
  BadCookie: EXIT.usage,
  NotSynchronised: EXIT.conflict,
  BadType: EXIT.usage,
  AccessDenied: EXIT.failed,
  NotPermitted: EXIT.failed,
  ReadOnly: EXIT.failed,
  NoSpace: EXIT.failed,
  QuotaExceeded: EXIT.failed,
  FileTooBig: EXIT.failed,
  PreconditionFailed: EXIT.conflict,
  NoSuchUpload: EXIT.notFound,
  InvalidPart: EXIT.usage,
  InvalidPartOrder: EXIT.usage,
  PartTooSmall: EXIT.usage,
  ObjectTooLarge: EXIT.failed,
  InvalidRange: EXIT.usage,
  NoSuchVolume: EXIT.notFound,
  VolumeExists: EXIT.conflict,
  VolumeNotEmpty: EXIT.conflict,
  NoSuchAccount: EXIT.notFound,
  AccountExists: EXIT.conflict,
  AccountNotEmpty: EXIT.conflict,
  NoSuchAccessKey: EXIT.notFound,
  AccessKeyExists: EXIT.conflict,
  Corrupt: EXIT.damage,
  Failed: EXIT.failed,
  Busy: EXIT.inUse,
  Closed: EXIT.failed,
} as const satisfies Record<FsErrorCode, ExitCode>;
