/** Long work over the admin API: a line of JSON for each event, the report or an error last (application/x-ndjson). */

import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { fromCore } from '../coreFailure.ts';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure, toCommandFailure } from '../failure.ts';
import { type LongWorkOptions, workProgress } from './contract.ts';
import { failureReport } from './failureReport.ts';

/** So often it is told how far it is; also how long a stopping server waits for it. */
const TELL_MS = 500;

type Event<Report> =
  | { readonly progress: z.input<typeof workProgress> }
  | { readonly report: Report }
  | { readonly error: z.input<typeof failureReport> };

export interface ProgressStreamOptions<Report> {
  readonly work: (options: LongWorkOptions) => Promise<Report>;
  readonly isServing: () => boolean;
  readonly onEnd: (report: Report) => void;
  readonly onFailure: (cause: unknown) => void;
}

/** Works as long as the stream is read. */
export function progressStream<Report>(options: ProgressStreamOptions<Report>): Readable {
  const lines = async function* (): AsyncGenerator<string, void, void> {
    for await (const event of events(options)) yield `${JSON.stringify(event)}\n`;
  };
  return Readable.from(lines());
}

async function* events<Report>(
  options: ProgressStreamOptions<Report>,
): AsyncGenerator<Event<Report>, void, void> {
  const { work, isServing, onEnd, onFailure } = options;
  const ending = new AbortController();
  const { signal } = ending;
  let progress: Event<Report> | undefined;
  let outcome: Event<Report> | undefined;
  const over = work({ signal, onProgress: (shown) => (progress = { progress: shown }) }).then(
    (report) => {
      onEnd(report);
      outcome = { report };
    },
    (cause: unknown) => {
      onFailure(cause);
      const { code, message, exitCode } = toCommandFailure(fromCore(cause));
      outcome = { error: { code, message, exitCode } };
    },
  );
  try {
    while (outcome === undefined) {
      await Promise.race([over, delay(TELL_MS)]);
      if (!isServing()) ending.abort();
      if (outcome === undefined && progress) yield progress;
    }
    yield outcome;
  } finally {
    // Whoever asked may be gone.
    ending.abort();
    await over;
  }
}

/** What the events come to. @throws CommandFailure */
export async function readProgressEvents<S extends z.ZodType>(
  body: ReadableStream<Uint8Array>,
  {
    report,
    what,
    onProgress,
  }: {
    readonly report: S;
    /** What it is that works, as in `the scrub`. */
    readonly what: string;
  } & Pick<LongWorkOptions, 'onProgress'>,
): Promise<z.output<S>> {
  const event = z.union([
    z.strictObject({ progress: workProgress }),
    z.strictObject({ report: z.unknown() }),
    z.strictObject({ error: failureReport }),
  ]);
  const lines = createInterface({ input: Readable.fromWeb(body), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    const told = event.parse(JSON.parse(line));
    if ('report' in told) return report.parse(told.report);
    if ('error' in told) throw new CommandFailure(told.error);
    onProgress?.(told.progress);
  }
  throw new CommandFailure({
    exitCode: EXIT.failed,
    code: 'Failed',
    message: `the server ended before ${what} did`,
  });
}
