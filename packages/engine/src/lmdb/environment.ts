import type { TreeShape } from './commitNeeds.ts';
import type { BytesDatabase } from './database.ts';

/** The native side of a database's environment, which lmdb-js does not declare. */
export function environmentOf(db: BytesDatabase): object {
  const environment: unknown = 'env' in db ? db.env : undefined;
  if (typeof environment !== 'object' || environment === null)
    throw new Error('this version of lmdb-js is unknown: a database has no env');
  return environment;
}

/** How many pages it has used. */
export interface PageUsage {
  /** Of the newest transaction. */
  readonly lastPage: number;
  /** By this process, those written again included. */
  readonly writtenPages: number;
  /** As it is after the newest transaction. */
  readonly tree: TreeShape;
}

/** What LMDB says of the pages of this environment. */
export function pageUsageOf(db: BytesDatabase): PageUsage {
  const environment = environmentOf(db);
  const { pagesWritten, lastPageNumber } = answerOf(environment, 'info');
  const { treeDepth, treeBranchPageCount, treeLeafPageCount } = answerOf(environment, 'stat');
  return {
    lastPage: counted(lastPageNumber),
    writtenPages: counted(pagesWritten),
    tree: {
      depth: counted(treeDepth),
      branchPages: counted(treeBranchPageCount),
      leafPages: counted(treeLeafPageCount),
    },
  };
}

/** The number of the newest transaction that LMDB's file has. */
export function newestTransactionOf(db: BytesDatabase): number {
  return counted(answerOf(environmentOf(db), 'info')['lastTxnId']);
}

/** How many entries there are, as LMDB counts them. */
export function entryCountOf(db: BytesDatabase): number {
  return counted(answerOf(environmentOf(db), 'stat')['entryCount']);
}

function answerOf(environment: object, question: 'info' | 'stat'): Readonly<Record<string, unknown>> {
  const ask: unknown = Reflect.get(environment, question);
  const answer: unknown = typeof ask === 'function' ? ask.call(environment) : undefined;
  return typeof answer === 'object' && answer !== null ? { ...answer } : {};
}

function counted(answer: unknown): number {
  if (typeof answer === 'number') return answer;
  throw new Error('this version of lmdb-js is unknown: it counts neither pages nor transactions');
}
