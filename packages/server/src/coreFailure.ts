/** The core's errors in this command's terms. Apart from `failure.ts`, so that `--help` need not load the core. */

import { FsError, type FsErrorCode } from '@facet/core';
import { EXIT, type ExitCode } from './exitCodes.ts';
import { CommandFailure } from './failure.ts';

/** Every code of the core has an answer here, or this does not compile. */
const EXIT_CODE_OF = {
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
  CrossVolume: EXIT.usage,
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
  TooMuchAtOnce: EXIT.failed,
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
  Interrupted: EXIT.failed,
  Closed: EXIT.failed,
} as const satisfies Record<FsErrorCode, ExitCode>;

/** What the core throws as a CommandFailure; anything else unchanged. */
export function fromCore(error: unknown): unknown {
  if (!(error instanceof FsError)) return error;
  return new CommandFailure({
    exitCode: EXIT_CODE_OF[error.code],
    code: error.code,
    message: messageOf(error),
  });
}

/** What was refused is what was asked for: the core's own name of it, which leads some messages, is no news. */
function messageOf({ code, message }: FsError): string {
  return NAMES_ITS_WORK.has(code) ? message.replace(/^[a-z]+[A-Za-z]*: /, '') : message;
}

const NAMES_ITS_WORK: ReadonlySet<FsErrorCode> = new Set(['NoSpace', 'Busy', 'Failed', 'Closed']);
