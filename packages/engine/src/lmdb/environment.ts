import type { BytesDatabase } from './database.ts';

/** The native side of a database's environment, which lmdb-js does not declare. */
export function environmentOf(db: BytesDatabase): object {
  const environment: unknown = 'env' in db ? db.env : undefined;
  if (typeof environment !== 'object' || environment === null)
    throw new Error('this version of lmdb-js is unknown: a database has no env');
  return environment;
}

/** Pages that transactions of this environment wrote since it was opened. */
export function writtenPagesOf(db: BytesDatabase): number {
  const environment = environmentOf(db);
  const info: unknown =
    'info' in environment && typeof environment.info === 'function' ? environment.info() : undefined;
  const count =
    typeof info === 'object' && info !== null && 'pagesWritten' in info ? info.pagesWritten : undefined;
  if (typeof count !== 'number') throw new Error('this version of lmdb-js is unknown: it counts no pages');
  return count;
}
