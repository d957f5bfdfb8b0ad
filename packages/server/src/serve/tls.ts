/** Certificate and key for the S3 door, refused before anything is opened when they are no use. */

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { usageFailure } from '../failure.ts';
import { SETTINGS } from '../settings/settings.ts';

/** @throws CommandFailure (2) naming the file that cannot be read, or saying that the two do not match */
export function readTlsFiles(files: { readonly certificateFile: string; readonly keyFile: string }): {
  readonly cert: Buffer;
  readonly key: Buffer;
} {
  const cert = readPem(files.certificateFile, SETTINGS.tlsCert.flag);
  const key = readPem(files.keyFile, SETTINGS.tlsKey.flag);
  try {
    new X509Certificate(cert);
    createSecureContext({ cert, key });
  } catch (error) {
    throw usageFailure(
      `${files.certificateFile} and ${files.keyFile} are no certificate and its key (PEM): ${(error as Error).message}`,
    );
  }
  return { cert, key };
}

function readPem(path: string, flag: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw usageFailure(`${flag}: cannot read ${path}: ${(error as Error).message}`);
  }
}
