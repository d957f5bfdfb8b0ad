import type { Logger } from 'pino';
import { fromCore } from '../coreFailure.ts';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';

/** What whoever asked can mend, and the server can not. */
const OF_WHO_ASKED: readonly ExitCode[] = [EXIT.usage, EXIT.notFound, EXIT.conflict, EXIT.inUse];

/** The store was closed, or its process ended, which is told by itself where nobody wanted it so. */
const OF_A_STOP: ReadonlySet<string> = new Set(['Closed', 'Interrupted']);

/** Why long work did not come to its end. @param what as in `the backup` */
export function logFailure(logger: Logger, what: string, cause: unknown): void {
  const failure = fromCore(cause);
  // Its message says all: the stack is of interest only where nobody foresaw it.
  if (!(failure instanceof CommandFailure)) {
    logger.error({ err: cause }, `${what} failed`);
    return;
  }
  const { code, message: reason, exitCode } = failure;
  if (OF_A_STOP.has(code)) {
    logger.info({ code, reason }, `${what} was ended`);
    return;
  }
  if (OF_WHO_ASKED.includes(exitCode)) logger.info({ code, reason }, `${what} was refused`);
  else logger.error({ code, reason }, `${what} failed`);
}

/** What a request asks for, as it is logged: where it is all the speed there is, no rate. */
export function pace({ bytesPerSecond }: { readonly bytesPerSecond: number }): object {
  return bytesPerSecond === Number.MAX_SAFE_INTEGER ? {} : { bytesPerSecond };
}
