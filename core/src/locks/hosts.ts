/** Hosts that hold locks: what a server must know after a restart, when the locks themselves are gone. */

import type { Op, ReadTx } from '@facet/engine';
import type { Command, CommandRunner } from '../commands/command.ts';
import { take } from '../commands/counter.ts';
import { hostOfLockHostKey, lockHostKey, SPACE, spaceBounds, successor } from '../meta/keys.ts';

/** A host as it is known by its calls. */
export interface LockHost {
  /** An IP address as text. */
  readonly address: string;
  /** What it calls itself: any text, of at most 1,000 bytes as UTF-8. */
  readonly name: string;
}

export interface LockHostView {
  /** A number for this life of the server: odd, and greater than in every earlier one. */
  nextState(): Promise<number>;
  /** In order of address. */
  list(): Promise<readonly LockHost[]>;
  /** Durable when it resolves. */
  remember(host: LockHost): Promise<void>;
  forget(host: LockHost): Promise<void>;
}

const STATE = 'lockState';
const HOSTS_PER_READ = 1000;
const NOTHING = Buffer.alloc(0);

const recordLockHost: Command<
  { readonly host: LockHost; readonly holds: boolean },
  { readonly held: boolean }
> = {
  name: 'recordLockHost',
  runsWhenFull: true,
  *run(tx, { host, holds }) {
    const key = lockHostKey(host);
    const held = (yield* tx.get(key)) !== undefined;
    if (holds && !held) tx.put(key, NOTHING);
    if (!holds && held) tx.delete(key);
    return { held };
  },
};

const nextState: Command<Readonly<Record<string, never>>, number> = {
  name: 'nextLockState',
  runsWhenFull: true,
  // The first number is 1.
  run: (tx) => take(tx, { name: STATE, count: 2 }),
};

function* lockHosts(tx: ReadTx): Op<readonly LockHost[]> {
  const found: LockHost[] = [];
  const bounds = spaceBounds(SPACE.lockHost);
  let start = bounds.start;
  for (;;) {
    const page = yield* tx.range({ start, end: bounds.end, limit: HOSTS_PER_READ });
    for (const { key } of page) found.push(hostOfLockHostKey(key));
    const last = page.at(-1);
    if (!last || page.length < HOSTS_PER_READ) return found;
    start = successor(last.key);
  }
}

export class LockHosts implements LockHostView {
  readonly #commands: CommandRunner;

  constructor(commands: CommandRunner) {
    this.#commands = commands;
  }

  nextState(): Promise<number> {
    return this.#commands.run(nextState, {});
  }

  list(): Promise<readonly LockHost[]> {
    return this.#commands.read('lockHosts', lockHosts);
  }

  async remember(host: LockHost): Promise<void> {
    await this.#commands.run(recordLockHost, { host, holds: true });
  }

  async forget(host: LockHost): Promise<void> {
    await this.#commands.run(recordLockHost, { host, holds: false });
  }
}
