import { getSystemErrorName } from 'node:util';
import type { Database } from 'lmdb';

/** Statuses lmdb-js's commit thread reports that are not errors: done, progress, run the callbacks. */
const STATUS_MAX = 2;

interface NativeEnvironment {
  startWriting(address: number, onStatus: (status: number) => unknown): unknown;
}

/**
 * Hears of every transaction of `db` that fails, with the true error code.
 *
 * lmdb-js by itself never settles a transaction that could not *begin* (it logs the error), and rejects a failed
 * commit with a general error beside a second promise that ends the process unless somebody handles it.
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
        // Told first, so that the general rejection of lmdb-js comes second and changes nothing.
        if (status < 0 || status > STATUS_MAX) waiting(statusError(status));
        return onStatus(status);
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

/** lmdb-js keeps the cause of a failed commit in a promise of its own; its general error is ours to handle. */
export function dismiss(error: unknown): void {
  if (error instanceof Error && 'commitError' in error) Promise.resolve(error.commitError).catch(() => {});
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
