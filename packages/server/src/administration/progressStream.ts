/** Long work over the admin API: a line of JSON for each event, the report or an error last (application/x-ndjson). */

import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import { fromCore } from '../coreFailure.ts';
import { toCommandFailure } from '../failure.ts';
import type { LongWorkOptions, workProgress } from './contract.ts';
import type { failureReport } from './failureReport.ts';

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
  /** Instead of these, where whoever asked went away, or the server stops. */
  readonly onCancelled: () => void;
}

/** Works as long as the stream is read. */
export function progressStream<Report>(options: ProgressStreamOptions<Report>): Readable {
  const ending = new AbortController();
  const lines = async function* (): AsyncGenerator<string, void, void> {
    for await (const event of events(options, ending)) yield `${JSON.stringify(event)}\n`;
  };
  // What it waits for may be long in coming.
  return Readable.from(lines()).once('close', () => ending.abort());
}

async function* events<Report>(
  options: ProgressStreamOptions<Report>,
  ending: AbortController,
): AsyncGenerator<Event<Report>, void, void> {
  const { work, isServing, onEnd, onFailure, onCancelled } = options;
  const { signal } = ending;
  let progress: Event<Report> | undefined;
  let outcome: Event<Report> | undefined;
  const over = work({ signal, onProgress: (shown) => (progress = { progress: shown }) }).then(
    (report) => {
      if (signal.aborted) onCancelled();
      else onEnd(report);
      outcome = { report };
    },
    (cause: unknown) => {
      if (signal.aborted) onCancelled();
      else onFailure(cause);
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
