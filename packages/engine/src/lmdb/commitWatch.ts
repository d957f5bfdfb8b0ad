import { getSystemErrorName } from 'node:util';
import type { Database } from 'lmdb';

/** Statuses lmdb-js's commit thread reports that are not errors: done, progress, run the callbacks. */
const STATUS_MAX = 2;
const PROGRESS = 1;

interface NativeEnvironment {
  startWriting(address: number, onStatus: (status: number) => unknown): unknown;
}

/**
 * Hears of every transaction of `db` that fails, with the true error code.
 *
 * lmdb-js by itself never settles a transaction that could not *begin* (it prints the error), and rejects a failed
 * commit with a general error beside a second promise that ends the process unless somebody handles it. Here it is
 * not told of the error: it then prints nothing and the second promise stays open. Where a page
 * could not be written at all, its C code prints `Write error: …` to stderr all the same: that is not ours to stop.
 *
 * @returns registers what to call with the error, once, if the transaction started next fails
 */
export function watchCommits(db: Database): (reject: (error: unknown) => void) => void {
  const environment = environmentOf(db);
  const startWriting = environment.startWriting;
  let waiting: (error: unknown) => void = () => {};
  Object.defineProperty(environment, 'startWriting', {
    value: (address: number, onStatus: (status: number) => unknown) =>
      startWriting.call(environment, address, (status) => {
        if (status >= 0 && status <= STATUS_MAX) return onStatus(status);
        // Told first, so that the general rejection of lmdb-js comes second and changes nothing.
        waiting(statusError(status));
        // It settles its operations whatever the status.
        return onStatus(PROGRESS);
      }),
  });
  return (reject) => {
    waiting = reject;
  };
}

/** Shaped as the errors that lmdb-js throws: `code` is LMDB's (negative) or the system's errno (positive). */
function statusError(status: number): Error {
  const name = status > 0 ? getSystemErrorName(-status) : `LMDB status ${status}`;
  return Object.assign(new Error(`a metadata transaction failed: ${name}`), { code: status });
}

function environmentOf(db: Database): NativeEnvironment {
  const environment: unknown = 'env' in db ? db.env : undefined;
  if (!isNativeEnvironment(environment))
    throw new Error('this version of lmdb-js is unknown: it has no env.startWriting to watch');
  return environment;
}

function isNativeEnvironment(environment: unknown): environment is NativeEnvironment {
  return (
    typeof environment === 'object' &&
    environment !== null &&
    'startWriting' in environment &&
    typeof environment.startWriting === 'function'
  );
}
