/** When a process that ended is started again: at once, but for one that ends again and again. */

import { EXIT } from '../../../exitCodes.ts';
import { CommandFailure } from '../../../failure.ts';
import type { Ending } from './subprocess.ts';

/** One that ends so often before it first serves keeps the server from starting. */
export const FIRST_STARTS_MAX = 3;

/** One that ran for so long did not end of how it began. */
const STEADY_MS = 10_000;
const FIRST_DELAY_MS = 100;
const DELAY_MS_MAX = 30_000;

export class Restarts {
  #quickEnds = 0;

  /** To be called when it ended. @returns how long to wait */
  delayAfter(ranMs: number): number {
    if (ranMs >= STEADY_MS) {
      this.#quickEnds = 0;
      return 0;
    }
    this.#quickEnds += 1;
    // Anyone may kill one once.
    if (this.#quickEnds === 1) return 0;
    return Math.min(DELAY_MS_MAX, FIRST_DELAY_MS * 2 ** (this.#quickEnds - 2));
  }
}

export function endedTooOften(name: string, starts: number, { code, signal }: Ending): CommandFailure {
  const ending = signal === null ? `exit code ${code}` : signal;
  return new CommandFailure({
    exitCode: EXIT.failed,
    code: 'Failed',
    message: `the process ${name} ended ${starts} times before it served (the last time by ${ending})`,
  });
}
