import type { BytesDatabase } from './database.ts';
import type { PageUsage } from './pageUsage.ts';

/** The native side of a database's environment, which lmdb-js does not declare. */
export function environmentOf(db: BytesDatabase): object {
  const environment: unknown = 'env' in db ? db.env : undefined;
  if (typeof environment !== 'object' || environment === null)
    throw new Error('this version of lmdb-js is unknown: a database has no env');
  return environment;
}

/** What LMDB says of the pages of this environment. */
export function pageUsageOf(db: BytesDatabase): PageUsage {
  const environment = environmentOf(db);
  const info: unknown =
    'info' in environment && typeof environment.info === 'function' ? environment.info() : undefined;
  if (typeof info === 'object' && info !== null && 'pagesWritten' in info && 'lastPageNumber' in info) {
    const { pagesWritten, lastPageNumber } = info;
    if (typeof pagesWritten === 'number' && typeof lastPageNumber === 'number')
      return { lastPage: lastPageNumber, writtenPages: pagesWritten };
  }
  throw new Error('this version of lmdb-js is unknown: it counts no pages');
}
