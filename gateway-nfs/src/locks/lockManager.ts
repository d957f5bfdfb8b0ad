/**
 * The lock manager: what NLM's procedures do, apart from bytes.
 *
 * Calls of one client are handled one after the other, in the order they came: a CANCEL or UNLOCK that overtook the LOCK
 * before it would leave a lock that nobody knows of.
 */
import type { RpcCall } from '../rpc/program.ts';
import {
  clientKey,
  type HeldLocks,
  KnownClients,
  type LockClient,
  type LockClientStore,
  type RememberedClient,
} from './clients.ts';
import { digestOf, Grace } from './grace.ts';
import { type GrantParts, Grants, type LockWaiter } from './grants.ts';
import type { LockLimits } from './lockLoads.ts';
import type { LockGrant, LockRequest } from './lockRequest.ts';
import { LockTable } from './lockTable.ts';
import { overlaps } from './segments.ts';
import { type ShareRequest, ShareTable } from './shares.ts';
import { type Holder, type LockArgs, type NlmStat, type Notice, rangeOf, type ShareArgs } from './wire.ts';

/**
 * What a file handle names. `gone`: it named `file`, which is removed. `unknown`: nothing that was ever handed out.
 * `refused`: the caller may not use it.
 */
type LockTarget =
  | { readonly kind: 'file' | 'gone'; readonly file: string }
  | { readonly kind: 'unknown' | 'refused' };

/** `file` is any text that is one file's alone, its generation included. */
export type LocateFile = (handle: Buffer, call: RpcCall) => Promise<LockTarget>;

export interface LockManagerParts extends Pick<GrantParts, 'callPeer' | 'pause' | 'log'> {
  readonly locate: LocateFile;
  readonly store: LockClientStore;
  readonly limits?: LockLimits;
}

/** How a LOCK came: by which procedure, and by which style. */
export interface LockStyle {
  /** False for NM_LOCK: the client is not told of restarts, and its own are not noticed. */
  readonly monitored: boolean;
  readonly byMessage: boolean;
}

/** How long a host that holds nothing any more is remembered. */
const IDLE_MS = 60_000;

export class LockManager {
  readonly #locate: LocateFile;
  readonly #log: LockManagerParts['log'];
  readonly #table: LockTable<LockWaiter>;
  readonly #shares = new ShareTable();
  readonly #clients: KnownClients;
  readonly #grants: Grants;
  /** The last call of each client that has one under way. */
  readonly #lastCalls = new Map<string, Promise<unknown>>();
  /** While only what was held before the restart is granted. */
  #grace: Grace | undefined;
  readonly #pause: LockManagerParts['pause'];
  /** Clients that are looked at in a while, since they held nothing any more. */
  readonly #idle = new Set<string>();
  readonly #closing = new AbortController();

  constructor(parts: LockManagerParts) {
    this.#locate = parts.locate;
    this.#log = parts.log;
    this.#pause = parts.pause;
    this.#table = new LockTable(parts.limits);
    const isBusy = (client: string): boolean => this.#table.isBusy(client) || this.#shares.isBusy(client);
    const isAwaited = (client: LockClient): boolean => this.#grace?.isAwaited(client) === true;
    this.#clients = new KnownClients({ store: parts.store, isBusy, isAwaited });
    this.#grants = new Grants({ ...parts, withdraw: (grant) => this.#give(this.#table.withdraw(grant)) });
  }

  get counts(): { readonly locks: number; readonly waiters: number; readonly shares: number } {
    const { locks, waiters } = this.#table.counts;
    return { locks, waiters, shares: this.#shares.count };
  }

  /**
   * From now on only what was held before the restart is granted. `clients` are those that held locks then.
   * @returns when each of them is known to have all of its locks again
   */
  beginGrace(clients: readonly RememberedClient[]): Promise<void> {
    this.#clients.load(clients);
    this.#grace = new Grace(clients);
    return this.#grace.over;
  }

  /**
   * Clients that held locks before the restart, and have not taken them again, are forgotten.
   * @returns how many have some again
   */
  async endGrace(clients: readonly LockClient[]): Promise<number> {
    this.#grace = undefined;
    const holding = clients.filter((client) => this.#table.isBusy(clientKey(client))).length;
    for (const client of clients) await this.#inTurn(client, () => this.#clients.forget(client));
    return holding;
  }

  /** @source XNFS chapter 10, NLM_TEST */
  test(args: LockArgs, call: RpcCall): Promise<Exclude<NlmStat, 'DENIED'> | Holder> {
    return this.#inTurn(clientOf(args.lock.callerName, call), async () => {
      if (this.#grace) return 'DENIED_GRACE_PERIOD';
      const request = await this.#request(args, call);
      if (typeof request === 'string') return request;
      const holder = this.#table.test(request);
      if (holder === undefined) return 'GRANTED';
      const { owner, segment } = holder;
      return { exclusive: segment.mode === 'exclusive', svid: owner.svid, oh: owner.oh, range: segment };
    });
  }

  /** @source XNFS chapter 10, NLM_LOCK and NLM_NM_LOCK */
  lock(args: LockArgs, call: RpcCall, style: LockStyle): Promise<NlmStat> {
    const client = clientOf(args.lock.callerName, call);
    return this.#inTurn(client, async () => {
      if (this.#grace && !args.reclaim) return 'DENIED_GRACE_PERIOD';
      const request = await this.#request(args, call);
      if (typeof request === 'string') return request;
      // Who took its last lock again, and thereby ended the period, may send that call once more.
      if (!this.#grace && args.reclaim) return this.#holds(request) ? 'GRANTED' : 'DENIED';
      if (!(await this.#clients.admit(client, style.monitored))) return 'DENIED_NOLOCKS';
      if (this.#clients.hasRestarted(client, args.state)) this.#release(client);
      const { byMessage } = style;
      const asked = { lock: args.lock, mode: args.mode };
      const waiter = args.block && !args.reclaim ? { client, asked, byMessage } : undefined;
      const { outcome, grants } = this.#table.lock(request, waiter);
      // It has its answer here: to be told once more would confuse it.
      if (outcome === 'granted') this.#grants.settle((grant) => isSame(grant.request, request));
      this.#give(grants);
      if (outcome === 'granted') this.#tookAgain(client);
      return STAT_OF_OUTCOME[outcome];
    });
  }

  /** @source XNFS chapter 10, NLM_CANCEL */
  cancel(args: LockArgs, call: RpcCall): Promise<NlmStat> {
    return this.#inTurn(clientOf(args.lock.callerName, call), async () => {
      const request = await this.#request(args, call);
      if (typeof request === 'string') return request;
      const { found, grants } = this.#table.cancel(request);
      this.#give(grants);
      const granted = this.#grants.settle((grant) => isSame(grant.request, request));
      for (const grant of granted) this.#give(this.#table.withdraw(grant));
      return found || granted.length > 0 ? 'GRANTED' : 'DENIED';
    });
  }

  /** In a grace period, too: who has taken a lock again may let it go. @source XNFS chapter 10, NLM_UNLOCK */
  unlock(args: LockArgs, call: RpcCall): Promise<NlmStat> {
    const client = clientOf(args.lock.callerName, call);
    return this.#inTurn(client, async () => {
      const request = await this.#request(args, call);
      if (typeof request === 'string') return request;
      const grants = this.#table.unlock(request);
      if (grants === undefined) return 'DENIED_NOLOCKS';
      this.#grants.settle(
        (grant) => isOfOwner(grant.request, request) && overlaps(grant.request.range, request.range),
      );
      this.#give(grants);
      void this.#forgetWhenIdle(client);
      return 'GRANTED';
    });
  }

  /** @source XNFS chapter 10, NLM_SHARE */
  share(args: ShareArgs, call: RpcCall): Promise<NlmStat> {
    const client = clientOf(args.callerName, call);
    return this.#inTurn(client, async () => {
      if (args.reclaim !== (this.#grace !== undefined))
        return args.reclaim ? 'DENIED' : 'DENIED_GRACE_PERIOD';
      const request = await this.#shareRequest(args, call);
      if (typeof request === 'string') return request;
      // DOS clients are not monitored: they say FREE_ALL.
      if (!(await this.#clients.admit(client, false))) return 'DENIED_NOLOCKS';
      return STAT_OF_OUTCOME[this.#shares.share(request)];
    });
  }

  /** @source XNFS chapter 10, NLM_UNSHARE */
  unshare(args: ShareArgs, call: RpcCall): Promise<NlmStat> {
    return this.#inTurn(clientOf(args.callerName, call), async () => {
      const request = await this.#shareRequest(args, call);
      if (typeof request === 'string') return request;
      this.#shares.unshare(request);
      return 'GRANTED';
    });
  }

  /** An answer to a grant that went out as a message. */
  grantAnswered(answer: Parameters<Grants['answered']>[0]): void {
    this.#grants.answered(answer);
  }

  /** A host says that it has restarted, or that it is done with all its locks: SM_NOTIFY, and FREE_ALL. */
  async freeAll({ name }: Notice, call: RpcCall): Promise<void> {
    for (const client of this.#clients.meant({ address: call.peer.address, name })) {
      await this.#inTurn(client, async () => {
        this.#release(client);
        await this.#clients.forget(client);
        this.#grace?.gaveUp(client);
      });
    }
  }

  /** A removed file has no locks. */
  dropFile(file: string): void {
    this.#grants.settle((grant) => grant.request.file === file);
    this.#table.dropFile(file);
    this.#shares.dropFile(file);
  }

  /** Ends all call-backs. @returns what each client holds that is remembered; undefined while some may hold more */
  close(): readonly Required<RememberedClient>[] | undefined {
    this.#closing.abort();
    this.#grants.settle(() => true);
    if (this.#grace) return undefined;
    return this.#clients
      .remembered()
      .filter((client) => this.#table.isBusy(clientKey(client)))
      .map((client) => ({ ...client, held: this.#heldBy(client) }));
  }

  #heldBy(client: LockClient): HeldLocks {
    return digestOf([...this.#table.heldBy(clientKey(client))]);
  }

  #holds({ file, owner, range, mode }: LockRequest): boolean {
    return this.#table
      .held(file, owner)
      .some((segment) => segment.mode === mode && segment.start <= range.start && segment.end >= range.end);
  }

  #tookAgain(client: LockClient): void {
    // Nobody waits in a grace period: all that a client has are locks.
    const count = this.#table.loadOf(clientKey(client));
    this.#grace?.tookAgain(client, { count, held: () => this.#heldBy(client) });
  }

  /** A client that holds nothing is no reason for the next start to wait; but it may be back in a moment. */
  async #forgetWhenIdle(client: LockClient): Promise<void> {
    const key = clientKey(client);
    // Whoever makes names up has none of them waited for.
    if (!this.#clients.isKnown(client)) return;
    if (this.#table.isBusy(key) || this.#grace?.isAwaited(client) || this.#idle.has(key)) return;
    this.#idle.add(key);
    await this.#pause(IDLE_MS, this.#closing.signal);
    this.#idle.delete(key);
    if (this.#closing.signal.aborted) return;
    try {
      await this.#inTurn(client, () => this.#clients.forget(client));
    } catch (error) {
      // The next start waits for it, for nothing.
      this.#log.warn({ error }, 'a host that holds no locks any more could not be forgotten');
    }
  }

  #release(client: LockClient): void {
    const key = clientKey(client);
    this.#grants.settle((grant) => grant.request.owner.client === key);
    this.#shares.releaseClient(key);
    this.#give(this.#table.releaseClient(key));
  }

  #give(grants: readonly LockGrant<LockWaiter>[]): void {
    this.#grants.deliver(grants);
  }

  async #request(
    { lock, mode }: LockArgs,
    call: RpcCall,
  ): Promise<LockRequest | 'STALE_FH' | 'FBIG' | 'FAILED'> {
    const range = rangeOf(lock);
    if (range === undefined) return 'FBIG';
    const file = await this.#file(lock.handle, call);
    if ('stat' in file) return file.stat;
    const client = clientKey(clientOf(lock.callerName, call));
    const owner = { client, address: call.peer.address, svid: lock.svid, oh: lock.oh };
    return { file: file.file, owner, range, mode };
  }

  async #shareRequest(args: ShareArgs, call: RpcCall): Promise<ShareRequest | NlmStat> {
    const file = await this.#file(args.handle, call);
    if ('stat' in file) return file.stat;
    const { oh, deny, access } = args;
    return { file: file.file, client: clientKey(clientOf(args.callerName, call)), oh, deny, access };
  }

  async #file(handle: Buffer, call: RpcCall): Promise<{ file: string } | { stat: 'STALE_FH' | 'FAILED' }> {
    const target = await this.#locate(handle, call);
    switch (target.kind) {
      case 'file':
        return { file: target.file };
      case 'gone':
        // Somebody removed it through another door.
        this.dropFile(target.file);
        return { stat: 'STALE_FH' };
      case 'unknown':
        return { stat: 'STALE_FH' };
      case 'refused':
        return { stat: 'FAILED' };
    }
  }

  async #inTurn<T>(client: LockClient, work: () => Promise<T>): Promise<T> {
    const key = clientKey(client);
    const mine = (this.#lastCalls.get(key) ?? Promise.resolve()).then(work);
    const done = mine.catch(() => undefined);
    this.#lastCalls.set(key, done);
    try {
      return await mine;
    } finally {
      if (this.#lastCalls.get(key) === done) this.#lastCalls.delete(key);
    }
  }
}

const STAT_OF_OUTCOME = {
  granted: 'GRANTED',
  denied: 'DENIED',
  waiting: 'BLOCKED',
  full: 'DENIED_NOLOCKS',
} as const satisfies Record<string, NlmStat>;

function clientOf(name: string, call: RpcCall): LockClient {
  return { address: call.peer.address, name };
}

function isOfOwner(a: Pick<LockRequest, 'file' | 'owner'>, b: Pick<LockRequest, 'file' | 'owner'>): boolean {
  return (
    a.file === b.file &&
    a.owner.client === b.owner.client &&
    a.owner.svid === b.owner.svid &&
    a.owner.oh.equals(b.owner.oh)
  );
}

function isSame(a: LockRequest, b: LockRequest): boolean {
  return (
    isOfOwner(a, b) && a.mode === b.mode && a.range.start === b.range.start && a.range.end === b.range.end
  );
}
