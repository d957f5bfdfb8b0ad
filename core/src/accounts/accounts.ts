/** Accounts and their access keys. */

import type { Op, ReadTx, WriteTx } from '@facet/engine';
import type { Command, Commands, Environment } from '../commands/command.ts';
import { FsError } from '../errors.ts';
import type { Timestamp } from '../ids.ts';
import { assert } from '../invariant.ts';
import { type LookupChanges, ownLookupChanges, Recent } from '../lookups/recent.ts';
import { accessKeyKey, accountKey, SPACE, spaceBounds, successor } from '../meta/keys.ts';
import {
  decodeAccessKey,
  decodeAccount,
  decodeVolume,
  encodeAccessKey,
  encodeAccount,
} from '../meta/records/volume.ts';
import type { AccessKey, Account, AccountView, DeletedAccount, KeyAndAccount } from '../volumes/types.ts';

type NewAccount = Omit<Account, 'created'>;
type NewKey = Omit<AccessKey, 'created'>;

const RECORDS_PER_READ = 1000;
const NAME = /^[\w.@+=,-]{1,64}$/;
const ACCESS_KEY_ID = /^[\w.-]{3,128}$/;
const SECRET_KEY = /^[\x21-\x7e]{8,128}$/;
const CANONICAL_ID = /^[\x21-\x7e]{1,128}$/;

function* putAccount(tx: WriteTx, account: NewAccount, now: Timestamp): Op<Account> {
  const made = { ...account, created: now };
  if (yield* tx.get(accountKey(account.name))) {
    throw new FsError('AccountExists', `account ${account.name} already exists`);
  }
  tx.put(accountKey(account.name), encodeAccount(made));
  return made;
}

export const createAccount: Command<NewAccount, Account> = {
  name: 'createAccount',
  run: (tx, args, context) => putAccount(tx, args, context.now),
};

export const createKey: Command<{ readonly key: NewKey; readonly account?: NewAccount }, AccessKey> = {
  name: 'createKey',
  *run(tx, args, context) {
    const { key, account } = args;
    const [taken, owner] = yield* tx.getMany([accessKeyKey(key.accessKeyId), accountKey(key.account)]);
    if (taken) throw new FsError('AccessKeyExists', `access key ${key.accessKeyId} already exists`);
    if (!owner) {
      if (!account) throw new FsError('NoSuchAccount', `account ${key.account} does not exist`);
      yield* putAccount(tx, account, context.now);
    }
    const made = { ...key, created: context.now };
    tx.put(accessKeyKey(key.accessKeyId), encodeAccessKey(made));
    return made;
  },
};

export const deleteKey: Command<{ readonly accessKeyId: string }, AccessKey> = {
  name: 'deleteKey',
  runsWhenFull: true,
  *run(tx, args) {
    const stored = yield* tx.get(accessKeyKey(args.accessKeyId));
    if (!stored) throw new FsError('NoSuchAccessKey', `there is no access key '${args.accessKeyId}'`);
    tx.delete(accessKeyKey(args.accessKeyId));
    return decodeAccessKey(stored);
  },
};

/** With all its keys. To be refused for a volume it is enough to own one: who deletes those is asked to do so first. */
export const deleteAccount: Command<{ readonly name: string }, DeletedAccount> = {
  name: 'deleteAccount',
  runsWhenFull: true,
  *run(tx, { name }) {
    const stored = yield* tx.get(accountKey(name));
    if (!stored) throw new FsError('NoSuchAccount', `there is no account named '${name}'`);
    const owned = (yield* records(tx, SPACE.volume)).map(decodeVolume).filter(({ owner }) => owner === name);
    const [first, ...others] = owned;
    if (first) {
      const more = others.length === 0 ? '' : ` and ${others.length} more`;
      throw new FsError(
        'AccountNotEmpty',
        `account '${name}' owns volume ${first.name}${more}: delete what it owns first`,
      );
    }
    const keys = (yield* records(tx, SPACE.accessKey))
      .map(decodeAccessKey)
      .filter(({ account }) => account === name);
    for (const { accessKeyId } of keys) tx.delete(accessKeyKey(accessKeyId));
    tx.delete(accountKey(name));
    return { account: decodeAccount(stored), keys };
  },
};

function* records(tx: ReadTx, space: number): Op<readonly Uint8Array[]> {
  const found: Uint8Array[] = [];
  const bounds = spaceBounds(space);
  let start = bounds.start;
  for (;;) {
    const page = yield* tx.range({ start, end: bounds.end, limit: RECORDS_PER_READ });
    for (const { value } of page) found.push(value);
    const last = page.at(-1);
    if (!last || page.length < RECORDS_PER_READ) return found;
    start = successor(last.key);
  }
}

/** What each must look like. A secret is never repeated: messages end in logs and on screens. */
const RULES = {
  'account name': { pattern: NAME, rule: '1 to 64 letters, digits and any of - _ . , @ + =' },
  'access key id': {
    pattern: ACCESS_KEY_ID,
    rule: '3 to 128 letters, digits, dots, hyphens and underscores',
  },
  'secret key': { pattern: SECRET_KEY, rule: '8 to 128 visible ASCII characters, no spaces', isSecret: true },
  'canonical id': { pattern: CANONICAL_ID, rule: '1 to 128 visible ASCII characters, no spaces' },
} as const;

/** @throws FsError Invalid */
function check(what: keyof typeof RULES, value: string): string {
  const {
    pattern,
    rule,
    isSecret = false,
  }: { pattern: RegExp; rule: string; isSecret?: boolean } = RULES[what];
  if (pattern.test(value)) return value;
  throw new FsError(
    'Invalid',
    `the ${what} must be ${rule}${isSecret ? '' : `, not ${JSON.stringify(value)}`}`,
  );
}

export class Accounts implements AccountView {
  readonly #commands: Commands;
  readonly #environment: Environment;
  readonly #recent: Recent<KeyAndAccount>;

  constructor(parts: {
    readonly commands: Commands;
    readonly environment: Environment;
    /** Those of this process alone unless told. */
    readonly changes?: LookupChanges;
  }) {
    this.#commands = parts.commands;
    this.#environment = parts.environment;
    this.#recent = new Recent({
      load: (accessKeyId) => this.#lookKey(accessKeyId),
      changes: parts.changes ?? ownLookupChanges(),
      environment: parts.environment,
    });
  }

  async create(args: Parameters<AccountView['create']>[0]): Promise<Account> {
    return this.#commands.run(createAccount, this.#newAccount(args));
  }

  #newAccount(args: Parameters<AccountView['create']>[0]): NewAccount {
    const { name, displayName, email, canonicalId } = args;
    return {
      name: check('account name', name),
      displayName: displayName ?? name,
      canonicalId: canonicalId
        ? check('canonical id', canonicalId)
        : this.#environment.randomBytes(32).toString('hex'),
      ...(email && { email }),
    };
  }

  find(name: string): Promise<Account | undefined> {
    return this.#commands.read('accounts', function* (tx) {
      const stored = yield* tx.get(accountKey(name));
      return stored && decodeAccount(stored);
    });
  }

  async list(): Promise<readonly Account[]> {
    return (await this.#commands.read('accounts', (tx) => records(tx, SPACE.account))).map(decodeAccount);
  }

  async createKey(args: Parameters<AccountView['createKey']>[0]): Promise<AccessKey> {
    const { randomBytes } = this.#environment;
    // Base 32 without padding keeps to the letters and digits AWS's own ids have.
    const accessKeyId = args.accessKeyId ?? `FACET${base32(randomBytes(10)).slice(0, 15)}`;
    const secretKey = args.secretKey ?? randomBytes(30).toString('base64url');
    const key = {
      account: check('account name', args.account),
      accessKeyId: check('access key id', accessKeyId),
      secretKey: check('secret key', secretKey),
    };
    const account = args.createAccount && this.#newAccount({ name: args.account, ...args.createAccount });
    return this.#commands.run(createKey, account ? { key, account } : { key });
  }

  findKey(accessKeyId: string): ReturnType<AccountView['findKey']> {
    return this.#recent.get(accessKeyId);
  }

  async #lookKey(accessKeyId: string): Promise<KeyAndAccount | undefined> {
    if (!ACCESS_KEY_ID.test(accessKeyId)) return undefined;
    return await this.#commands.read('accounts', function* (tx) {
      const stored = yield* tx.get(accessKeyKey(accessKeyId));
      if (!stored) return undefined;
      const key = decodeAccessKey(stored);
      const account = yield* tx.get(accountKey(key.account));
      assert(account !== undefined, `access key ${accessKeyId} has its account`);
      return { key, account: decodeAccount(account) };
    });
  }

  async listKeys(account?: string): Promise<readonly AccessKey[]> {
    const keys = (await this.#commands.read('accounts', (tx) => records(tx, SPACE.accessKey))).map(
      decodeAccessKey,
    );
    return account === undefined ? keys : keys.filter((key) => key.account === account);
  }

  async deleteKey(accessKeyId: string): Promise<AccessKey> {
    try {
      return await this.#commands.run(deleteKey, { accessKeyId });
    } finally {
      this.#recent.clear();
    }
  }

  async delete(name: string): Promise<DeletedAccount> {
    try {
      return await this.#commands.run(deleteAccount, { name });
    } finally {
      this.#recent.clear();
    }
  }
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return text;
}
