/** A scrub over the admin API: a line of JSON for each event, the report or an error last (application/x-ndjson). */

import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { fromCore } from '../coreFailure.ts';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure, toCommandFailure } from '../failure.ts';
import {
  type Administration,
  type ScrubOptions,
  type ScrubReport,
  scrubProgress,
  scrubReport,
} from './contract.ts';
import { failureReport } from './failureReport.ts';

/** So often it is told how far it is; also how long a stopping server waits for it. */
const TELL_MS = 500;

const scrubEvent = z.union([
  z.strictObject({ progress: scrubProgress }),
  z.strictObject({ report: scrubReport }),
  z.strictObject({ error: failureReport }),
]);
type ScrubEvent = z.input<typeof scrubEvent>;

export interface ScrubStreamOptions {
  readonly administration: Administration;
  readonly bytesPerSecond: number;
  readonly isServing: () => boolean;
  readonly onEnd: (report: Omit<ScrubReport, 'damaged' | 'damagedRecords'>) => void;
  readonly onFailure: (cause: unknown) => void;
}

/** Scrubs as long as the stream is read. */
export function scrubStream(options: ScrubStreamOptions): Readable {
  const lines = async function* (): AsyncGenerator<string, void, void> {
    for await (const event of scrubEvents(options)) yield `${JSON.stringify(event)}\n`;
  };
  return Readable.from(lines());
}

async function* scrubEvents(options: ScrubStreamOptions): AsyncGenerator<ScrubEvent, void, void> {
  const { administration, bytesPerSecond, isServing, onEnd, onFailure } = options;
  const ending = new AbortController();
  const { signal } = ending;
  let progress: ScrubEvent | undefined;
  let outcome: ScrubEvent | undefined;
  const over = administration
    .scrub({ bytesPerSecond, signal, onProgress: (shown) => (progress = { progress: shown }) })
    .then(
      (report) => {
        const { damaged: _listed, damagedRecords: _named, ...counts } = report;
        onEnd(counts);
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
export async function readScrubEvents(
  body: ReadableStream<Uint8Array>,
  { onProgress }: Pick<ScrubOptions, 'onProgress'>,
): Promise<ScrubReport> {
  const lines = createInterface({ input: Readable.fromWeb(body), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    const event = scrubEvent.parse(JSON.parse(line));
    if ('report' in event) return event.report;
    if ('error' in event) throw new CommandFailure(event.error);
    onProgress?.(event.progress);
  }
  throw new CommandFailure({
    exitCode: EXIT.failed,
    code: 'Failed',
    message: 'the server ended before the scrub did',
  });
}
