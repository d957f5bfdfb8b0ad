/** Certificate and key for the S3 door, refused before anything is opened when they are no use. */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { usageFailure } from '../failure.ts';
import { SETTINGS } from '../settings/settings.ts';

/** PEM: a certificate, with those that lead to its authority, and its key. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

/** @throws CommandFailure (2) naming the file that cannot be read, or saying that the two do not match */
export function readTlsFiles(files: { readonly certificateFile: string; readonly keyFile: string }): TlsPair {
  const cert = readPem(files.certificateFile, SETTINGS.tlsCert.flag);
  const key = readPem(files.keyFile, SETTINGS.tlsKey.flag);
  try {
    // OpenSSL takes a key of another kind than the certificate's (RSA, EC), and then has none for it.
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
      throw new Error('the key is another’s');
    createSecureContext({ cert, key });
  } catch (error) {
    throw usageFailure(
      `${files.certificateFile} and ${files.keyFile} are no certificate and its key (PEM): ${(error as Error).message}`,
    );
  }
  return { cert, key };
}

function readPem(path: string, flag: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw usageFailure(`${flag}: cannot read ${path}: ${(error as Error).message}`);
  }
}
