/**
 * The root account's access key: the one that the environment names, else one made at first start and kept in
 * `<data>/root-credentials.json`. The file also remembers which key was the last, so that a key that was
 * replaced stops working.
 */

import { randomBytes } from 'node:crypto';
import type { Core } from '@facet/core';
import type { Logger } from 'pino';
import {
  ACCESS_KEY_RULE,
  accessKeyId as idShape,
  SECRET_RULE,
  secretAccessKey as secretShape,
} from '../administration/contract.ts';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure, usageFailure } from '../failure.ts';
import {
  ACCESS_KEY_VARIABLE,
  type CredentialsFile,
  readCredentialsFile,
  writeCredentialsFile,
} from '../store/rootCredentialsFile.ts';

export const ROOT_ACCOUNT = 'root';

const SECRET_KEY_VARIABLE = 'FACET_ROOT_SECRET_KEY';

export interface RootCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** `made`: just now, or by a start that did not show it; `kept`: in the file, and shown. */
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
          ...(credentials.origin === 'made' ? { shown: false } : {}),
        };
  if (JSON.stringify(file) !== JSON.stringify(known)) {
    writeCredentialsFile(sources.path, file);
  }
  const replaced = known !== undefined && known.accessKeyId !== credentials.accessKeyId;
  return { credentials, ...(replaced ? { replaced: known.accessKeyId } : {}) };
}

/** To be called when a key that was made was shown: later starts only say where it is. */
export function rememberShown(path: string, credentials: RootCredentials, logger: Logger): void {
  const { accessKeyId, secretAccessKey, origin } = credentials;
  if (origin !== 'made') return;
  try {
    writeCredentialsFile(path, { source: 'generated', accessKeyId, secretAccessKey });
  } catch (error) {
    // It is shown once more, then; the server is up, and a full disk among others must not keep it down.
    logger.warn(
      { err: error },
      'it cannot be noted that the root key was shown: the next start shows it again',
    );
  }
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
  if (!idShape.safeParse(accessKeyId).success) {
    throw usageFailure(`${ACCESS_KEY_VARIABLE} must be ${ACCESS_KEY_RULE}, not '${accessKeyId}'`);
  }
  if (!secretShape.safeParse(secretAccessKey).success) {
    throw usageFailure(`${SECRET_KEY_VARIABLE} must be ${SECRET_RULE}`);
  }
  return { accessKeyId, secretAccessKey, origin: 'environment' };
}

function keptCredentials(known: CredentialsFile | undefined): RootCredentials | undefined {
  if (known?.source !== 'generated') return undefined;
  const { accessKeyId, secretAccessKey, shown } = known;
  return { accessKeyId, secretAccessKey, origin: shown === false ? 'made' : 'kept' };
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
