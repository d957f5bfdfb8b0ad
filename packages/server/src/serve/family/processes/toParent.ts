import { EXIT } from '../../../exitCodes.ts';
import { toCommandFailure } from '../../../failure.ts';
import type { FromStore, FromWorker } from '../protocol/messages.ts';

/** Says something to the supervisor. When that is gone this process ends by itself. */
export function tellParent(message: FromStore | FromWorker): void {
  process.send?.(message, () => undefined);
}

/** Says why this process can not do what it is there for, and ends. */
export function failToParent(error: unknown): void {
  const { code, exitCode, message } = toCommandFailure(error);
  process.send?.({ kind: 'failed', failure: { code, exitCode, message } }, () => process.exit(EXIT.failed));
}
