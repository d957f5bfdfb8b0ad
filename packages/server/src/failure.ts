/** Why a command ended other than well, in a form that the terminal, `--json` and the exit code share. */

import { EXIT, type ExitCode } from './exitCodes.ts';

export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exitCode: ExitCode;
  /** Short and stable, for programs: an `FsErrorCode`, or one of the command's own. */
  readonly code: string;
  constructor(failure: { readonly exitCode: ExitCode; readonly code: string; readonly message: string }) {
    super(failure.message);
    this.exitCode = failure.exitCode;
    this.code = failure.code;
  }
}

export function usageFailure(message: string): CommandFailure {
  return new CommandFailure({ exitCode: EXIT.usage, code: 'Usage', message });
}

/** Sorts whatever was thrown; what the core throws goes through `coreFailure.ts` first. */
export function toCommandFailure(error: unknown): CommandFailure {
  if (error instanceof CommandFailure) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new CommandFailure({ exitCode: EXIT.failed, code: 'Failed', message });
}
