/**
 * The root account's access key: the one that the environment names, else one made at first start and kept in
 * `<data>/root-credentials.json`. The file also remembers which key was the last, so that a key that was
 * replaced stops working.
 */

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Core } from '@facet/core';
import { z } from 'zod';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure, usageFailure } from '../failure.ts';
import { writePrivateFile } from '../store/privateFile.ts';

export const ROOT_ACCOUNT = 'root';

const ACCESS_KEY_VARIABLE = 'FACET_ROOT_ACCESS_KEY';
const SECRET_KEY_VARIABLE = 'FACET_ROOT_SECRET_KEY';

const credentialsFile = z.discriminatedUnion('source', [
  z.object({ source: z.literal('generated'), accessKeyId: z.string(), secretAccessKey: z.string() }),
  // The environment's secret is the operator's to keep: it is not written down here.
  z.object({ source: z.literal('environment'), accessKeyId: z.string() }),
]);
type CredentialsFile = z.infer<typeof credentialsFile>;

export interface RootCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** `made`: just now, so that it should be shown; `kept`: in the file since an earlier start. */
  readonly origin: 'environment' | 'made' | 'kept';
}

/** @throws CommandFailure (2) when only one variable is set, (1) when the file cannot be read */
export function resolveRootCredentials(sources: {
  readonly path: string;
  readonly environment: NodeJS.ProcessEnv;
}): { readonly credentials: RootCredentials; readonly replaced?: string } {
  const known = readCredentialsFile(sources.path);
  const credentials =
    environmentCredentials(sources.environment) ?? keptCredentials(known) ?? makeCredentials();
  const file: CredentialsFile =
    credentials.origin === 'environment'
      ? { source: 'environment', accessKeyId: credentials.accessKeyId }
      : {
          source: 'generated',
          accessKeyId: credentials.accessKeyId,
          secretAccessKey: credentials.secretAccessKey,
        };
  if (JSON.stringify(file) !== JSON.stringify(known)) {
    writePrivateFile(sources.path, `${JSON.stringify(file, undefined, 2)}\n`);
  }
  const replaced = known !== undefined && known.accessKeyId !== credentials.accessKeyId;
  return { credentials, ...(replaced ? { replaced: known.accessKeyId } : {}) };
}

/** Makes the core's root account and key what the credentials say. */
export async function ensureRootAccount(
  core: Core,
  root: { readonly credentials: RootCredentials; readonly replaced?: string },
): Promise<void> {
  const { accessKeyId, secretAccessKey } = root.credentials;
  if (root.replaced !== undefined && (await core.accounts.findKey(root.replaced)) !== undefined) {
    await core.accounts.deleteKey(root.replaced);
  }
  const found = await core.accounts.findKey(accessKeyId);
  if (found !== undefined && found.account.name !== ROOT_ACCOUNT) {
    throw new CommandFailure({
      exitCode: EXIT.conflict,
      code: 'AccessKeyExists',
      message: `the root access key ${accessKeyId} belongs to account '${found.account.name}': choose another ${ACCESS_KEY_VARIABLE}`,
    });
  }
  if (found?.key.secretKey === secretAccessKey) return;
  if (found !== undefined) await core.accounts.deleteKey(accessKeyId);
  await core.accounts.createKey({
    account: ROOT_ACCOUNT,
    createAccount: { displayName: ROOT_ACCOUNT },
    accessKeyId,
    secretKey: secretAccessKey,
  });
}

function environmentCredentials(environment: NodeJS.ProcessEnv): RootCredentials | undefined {
  const accessKeyId = environment[ACCESS_KEY_VARIABLE] || undefined;
  const secretAccessKey = environment[SECRET_KEY_VARIABLE] || undefined;
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw usageFailure(
      `${ACCESS_KEY_VARIABLE} and ${SECRET_KEY_VARIABLE} go together: ${
        accessKeyId === undefined ? ACCESS_KEY_VARIABLE : SECRET_KEY_VARIABLE
      } is not set`,
    );
  }
  return { accessKeyId, secretAccessKey, origin: 'environment' };
}

function keptCredentials(known: CredentialsFile | undefined): RootCredentials | undefined {
  if (known?.source !== 'generated') return undefined;
  return { accessKeyId: known.accessKeyId, secretAccessKey: known.secretAccessKey, origin: 'kept' };
}

// The lengths that clients know from AWS: 20 characters and 40.
const ACCESS_KEY_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function makeCredentials(): RootCredentials {
  const letters = Array.from(randomBytes(16), (byte) => ACCESS_KEY_ALPHABET[byte % 32]);
  return {
    accessKeyId: `FACT${letters.join('')}`,
    secretAccessKey: randomBytes(30).toString('base64url'),
    origin: 'made',
  };
}

function readCredentialsFile(path: string): CredentialsFile | undefined {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
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
