/** What commands print: results on stdout, failures on stderr; with `--json` each is one JSON document. */

import { setImmediate } from 'node:timers/promises';
import type { CommandFailure } from './failure.ts';

export interface Output {
  readonly json: boolean;
  /** `result` is what `--json` prints, `text` what people read. */
  result(value: { readonly result: unknown; readonly text: string }): void;
  failure(failure: CommandFailure): void;
  /** A remark that is no result: on stderr, so that it never gets into a pipe; with `--json`, where that is one document, nowhere. */
  remark(text: string): void;
}

export function processOutput(json: boolean): Output {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.listenerCount('error') === 0) stream.on('error', noteLost);
  }
  return {
    json,
    result: ({ result, text }) => {
      process.stdout.write(json ? `${JSON.stringify(result)}\n` : text === '' ? '' : `${text}\n`);
    },
    failure: (failure) => {
      const { code, message, exitCode } = failure;
      process.stderr.write(
        json ? `${JSON.stringify({ error: { code, message, exitCode } })}\n` : `facet: ${message}\n`,
      );
    },
    remark: (text) => {
      if (!json) process.stderr.write(`facet: ${text}\n`);
    },
  };
}

let lost: Error | undefined;

/** A reader that goes away (`| head`) ends the pipe, not the command: EPIPE is said of a pipe, EIO of a terminal. */
function noteLost(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') lost ??= error;
}

/** What became of output that somebody wanted: why some of it was not written since this was asked last. */
export async function lostOutput(): Promise<Error | undefined> {
  // Streams tell of an error after the write that met it.
  await setImmediate();
  const why = lost;
  lost = undefined;
  return why;
}

/** Columns as wide as their widest cell, two spaces apart. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
