/** Hosts that hold locks: what a server must know after a restart, when the locks themselves are gone. */

import type { Op, ReadTx } from '@facet/engine';
import type { Command, Commands } from '../commands/command.ts';
import { take } from '../commands/counter.ts';
import { assert } from '../invariant.ts';
import { Reader, Writer } from '../meta/codec.ts';
import { hostOfLockHostKey, lockHostKey, SPACE, spaceBounds, successor } from '../meta/keys.ts';

/** A host as it is known by its calls. */
export interface LockHost {
  /** An IP address as text. */
  readonly address: string;
  /** What it calls itself: any text, of at most 1,000 bytes as UTF-8. */
  readonly name: string;
}

/** What a host held when the server was closed. */
interface HeldLocks {
  readonly count: number;
  /** 16 bytes: the same where the locks are. */
  readonly digest: Buffer;
}

export interface LockHostView {
  /**
   * A number for this life of the server: odd, and greater than in every earlier one. What hosts held at the end of
   * the last one is forgotten with it: after this life it may be something else.
   */
  nextState(): Promise<number>;
  /** In order of address. */
  list(): Promise<readonly (LockHost & { readonly held?: HeldLocks })[]>;
  /** Durable when it resolves. */
  remember(host: LockHost): Promise<void>;
  forget(host: LockHost): Promise<void>;
  /** At the end of a life: what each host holds. Those that are not named are forgotten. */
  leave(hosts: readonly (LockHost & { readonly held: HeldLocks })[]): Promise<void>;
}

type RememberedHost = LockHost & { readonly held?: HeldLocks };

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
  *run(tx) {
    for (const { held, ...host } of yield* lockHosts(tx)) if (held) tx.put(lockHostKey(host), NOTHING);
    // The first number is 1.
    return yield* take(tx, { name: STATE, count: 2 });
  },
};

const leaveLocks: Command<
  { readonly hosts: Parameters<LockHostView['leave']>[0] },
  { readonly forgotten: number }
> = {
  name: 'leaveLocks',
  runsWhenFull: true,
  *run(tx, { hosts }) {
    const before = yield* lockHosts(tx);
    for (const host of before) tx.delete(lockHostKey(host));
    for (const host of hosts) tx.put(lockHostKey(host), encodeHeldLocks(host.held));
    return { forgotten: before.length - hosts.length };
  },
};

function* lockHosts(tx: ReadTx): Op<readonly RememberedHost[]> {
  const found: RememberedHost[] = [];
  const bounds = spaceBounds(SPACE.lockHost);
  let start = bounds.start;
  for (;;) {
    const page = yield* tx.range({ start, end: bounds.end, limit: HOSTS_PER_READ });
    for (const { key, value } of page) {
      const host = hostOfLockHostKey(key);
      found.push(value.length === 0 ? host : { ...host, held: decodeHeldLocks(value) });
    }
    const last = page.at(-1);
    if (!last || page.length < HOSTS_PER_READ) return found;
    start = successor(last.key);
  }
}

export class LockHosts implements LockHostView {
  readonly #commands: Commands;

  constructor(commands: Commands) {
    this.#commands = commands;
  }

  nextState(): Promise<number> {
    return this.#commands.run(nextState, {});
  }

  list(): Promise<readonly RememberedHost[]> {
    return this.#commands.read('lockHosts', lockHosts);
  }

  async remember(host: LockHost): Promise<void> {
    await this.#commands.run(recordLockHost, { host, holds: true });
  }

  async forget(host: LockHost): Promise<void> {
    await this.#commands.run(recordLockHost, { host, holds: false });
  }

  async leave(hosts: Parameters<LockHostView['leave']>[0]): Promise<void> {
    await this.#commands.run(leaveLocks, { hosts });
  }
}

const DIGEST_BYTES = 16;

function encodeHeldLocks({ count, digest }: HeldLocks): Buffer {
  assert(digest.length === DIGEST_BYTES, `a digest of locks has ${DIGEST_BYTES} bytes, not ${digest.length}`);
  return new Writer(21).u8(1).u32(count).raw(digest).done();
}

function decodeHeldLocks(bytes: Uint8Array): HeldLocks {
  const reader = new Reader(bytes).schema(1, 'held locks');
  return { count: reader.u32(), digest: reader.raw(DIGEST_BYTES) };
}
