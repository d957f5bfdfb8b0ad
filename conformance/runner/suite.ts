/** A suite is one client (or one kind of trouble) and a list of things that must hold. */
import type { Server } from '../server/launch.ts';

/** What must hold, in words → the function that throws when it does not. */
export type Checks<W> = Readonly<Record<string, (world: W) => Promise<void>>>;

export type Verdict =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'skipped'; readonly reason: string };

export interface Outcome {
  readonly check: string;
  readonly verdict: Verdict;
  readonly seconds: number;
}

/** What every suite finds when it begins. */
export interface Stage {
  /** A server over HTTP, and one over TLS: started when first asked for, shared by all suites. */
  http(): Promise<Server>;
  https(): Promise<Server>;
  /** A server of the suite's own, which the suite stops. */
  fresh(): Promise<Server>;
  /** Also what takes minutes and gigabytes. */
  readonly large: boolean;
  /** A folder outside the repository that outlives the run: for clients that were installed. */
  readonly cache: string;
  /** A folder for this run's files. */
  readonly scratch: string;
  /** Tells the person who waits what takes so long. */
  tell(line: string): void;
}

export interface Suite {
  readonly name: string;
  readonly run: (stage: Stage) => AsyncGenerator<Outcome, void>;
}

/** Thrown by a check, or by a suite before its first check, that cannot be run here. */
export class Skip extends Error {
  override readonly name = 'Skip';
}

/** A million objects take a busy machine half an hour: this is for what never comes back. */
const CHECK_MS_MAX = 2_700_000;

/** Runs checks one after the other; one that fails, or never comes back, does not stop the next. */
export async function* runChecks<W>(checks: Checks<W>, world: W, prefix = ''): AsyncGenerator<Outcome, void> {
  for (const [check, run] of Object.entries(checks)) {
    const started = performance.now();
    const verdict = await judge(() => inTime(run(world)));
    yield { check: `${prefix}${check}`, verdict, seconds: (performance.now() - started) / 1000 };
  }
}

/** What running something came to. */
export async function judge(run: () => Promise<void>): Promise<Verdict> {
  try {
    await run();
    return { kind: 'passed' };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: error instanceof Skip ? 'skipped' : 'failed', reason };
  }
}

async function inTime(work: Promise<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`not done after ${CHECK_MS_MAX / 1000} s`)), CHECK_MS_MAX);
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Prefixes every check by the file it is written in. */
export function inFile<W>(file: string, checks: Checks<W>): Checks<W> {
  return Object.fromEntries(Object.entries(checks).map(([name, run]) => [`${file}: ${name}`, run]));
}
