/**
 * `<data>/nfs-handle-key.json`: what the NFS door seals file handles with. It is made once: with another key every
 * handle that clients hold would be forged in its eyes.
 */

import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { readPrivateFile, writePrivateFile } from './privateFile.ts';

export const HANDLE_KEY_BYTES = 32;
const keyFile = z.object({ key: z.base64().transform((text) => Buffer.from(text, 'base64')) });

/** 32 bytes. @throws CommandFailure (1) when the file is not what was written, the system's error when it cannot be */
export function nfsHandleKey(path: string): Buffer {
  const kept = readKey(path);
  if (kept !== undefined) return kept;
  const key = randomBytes(HANDLE_KEY_BYTES);
  writePrivateFile(path, `${JSON.stringify({ key: key.toString('base64') })}\n`);
  return key;
}

function readKey(path: string): Buffer | undefined {
  const content = readPrivateFile(path);
  if (content === undefined) return undefined;
  try {
    const { key } = keyFile.parse(JSON.parse(content));
    if (key.length === HANDLE_KEY_BYTES) return key;
  } catch {
    // Said below.
  }
  throw new CommandFailure({
    exitCode: EXIT.failed,
    code: 'Failed',
    message: `${path} is not readable as the key of NFS handles: mend it, or remove it, and every NFS client must mount again`,
  });
}
