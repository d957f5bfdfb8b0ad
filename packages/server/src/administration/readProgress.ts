/** The other end of `progressStream.ts`; apart from it, so that who asks a server need not load the core. */

import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { type LongWorkOptions, workProgress } from './contract.ts';
import { failureReport } from './failureReport.ts';

/** What the events come to. @throws CommandFailure */
export async function readProgress<S extends z.ZodType>(
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
