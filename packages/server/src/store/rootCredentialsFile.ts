/** `<data>/root-credentials.json`: which key the root account had at the last start, and its secret when made here. */

import { z } from 'zod';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { readPrivateFile, writePrivateFile } from './privateFile.ts';

/** The environment variable that names the key where it is not made. */
export const ACCESS_KEY_VARIABLE = 'FACET_ROOT_ACCESS_KEY';

const credentialsFile = z.discriminatedUnion('source', [
  z.object({
    source: z.literal('generated'),
    accessKeyId: z.string(),
    secretAccessKey: z.string(),
    /** Until a start got as far as to show it. */
    shown: z.literal(false).exactOptional(),
  }),
  // The environment's secret is the operator's to keep: it is not written down here.
  z.object({ source: z.literal('environment'), accessKeyId: z.string() }),
]);
export type CredentialsFile = z.infer<typeof credentialsFile>;

export function writeCredentialsFile(path: string, file: CredentialsFile): void {
  writePrivateFile(path, `${JSON.stringify(file, undefined, 2)}\n`);
}

/** Undefined when there is none. @throws CommandFailure (1) when it is not what was written */
export function readCredentialsFile(path: string): CredentialsFile | undefined {
  const content = readPrivateFile(path);
  if (content === undefined) return undefined;
  try {
    return credentialsFile.parse(JSON.parse(content));
  } catch {
    throw new CommandFailure({
      exitCode: EXIT.failed,
      code: 'Failed',
      message: `${path} is not readable as root credentials: mend it, or remove it to have a new key made`,
    });
  }
}
