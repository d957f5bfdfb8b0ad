/**
 * The hosts whose locks are held here, so that they can be told when this server has restarted, and so that their own
 * restart can be recognised.
 */

/** A host as it is known by its calls. */
export interface LockClient {
  readonly address: string;
  /** What it calls itself in its locks: bytes as latin1. */
  readonly name: string;
}

/** What a client held when the server was closed: to be compared with what it has taken again since. */
export interface HeldLocks {
  /** Locked ranges. */
  readonly count: number;
  /** Of all of them, whose they are included: 16 bytes. */
  readonly digest: Buffer;
}

/** `held` is known of a server that was closed, and not of one that was killed. */
export type RememberedClient = LockClient & { readonly held?: HeldLocks };

/** What must outlive the process. */
export interface LockClientStore {
  /**
   * A number for this start of the server: odd, below 2^31, and greater than at every earlier start. What was left by
   * the life before is not known any more from then on.
   */
  nextState(): Promise<number>;
  list(): Promise<readonly RememberedClient[]>;
  remember(client: LockClient): Promise<void>;
  forget(client: LockClient): Promise<void>;
  /** At the end of this life: what each client that is remembered holds. Those that are not named hold nothing. */
  leave(clients: readonly Required<RememberedClient>[]): Promise<void>;
}

interface Known {
  readonly client: LockClient;
  /** Resolves when the store has it; `undefined` while it need not. */
  stored: Promise<void> | undefined;
  /** The NSM state the client last gave. 0: none yet. */
  state: number;
}

const CLIENTS_MAX = 10_000;
/** More hosts than come from behind one address; and names cost nothing to make up. */
const CLIENTS_OF_ADDRESS_MAX = 1_000;

export function clientKey({ address, name }: LockClient): string {
  return `${address} ${name}`;
}

export class KnownClients {
  readonly #store: LockClientStore;
  readonly #isBusy: (key: string) => boolean;
  readonly #isAwaited: (client: LockClient) => boolean;
  /** Least recently admitted first. */
  readonly #known = new Map<string, Known>();
  /** How many are known of each address. */
  readonly #addresses = new Map<string, number>();

  /** @param parts `isAwaited`: whether a client has yet to take its locks again */
  constructor(parts: {
    readonly store: LockClientStore;
    readonly isBusy: (key: string) => boolean;
    readonly isAwaited: (client: LockClient) => boolean;
  }) {
    this.#store = parts.store;
    this.#isBusy = parts.isBusy;
    this.#isAwaited = parts.isAwaited;
  }

  /** Those that an earlier life of this server remembered: more of an address than now, maybe. */
  load(clients: readonly LockClient[]): void {
    for (const client of clients) {
      this.#set(clientKey(client), { client, stored: Promise.resolve(), state: 0 });
    }
  }

  /**
   * Makes a client known before it gets its first lock: false when there are too many, in all or of its address. A
   * monitored one is stored as well, or it would not be told of a restart.
   */
  async admit(client: LockClient, monitored: boolean): Promise<boolean> {
    const key = clientKey(client);
    let known = this.#known.get(key);
    // Who is known has its place already.
    if (known === undefined) {
      if (!(await this.#hasRoom(client.address))) return false;
      known = { client, stored: undefined, state: 0 };
    }
    this.#set(key, known);
    if (!monitored) return true;
    known.stored ??= this.#store.remember(client);
    try {
      await known.stored;
    } catch (error) {
      known.stored = undefined;
      throw error;
    }
    return true;
  }

  /** Whether the state that came with a lock says that the client has restarted since its last one. */
  hasRestarted(client: LockClient, state: number): boolean {
    const known = this.#known.get(clientKey(client));
    if (known === undefined || state === 0) return false;
    const before = known.state;
    known.state = state;
    return before !== 0 && before !== state;
  }

  /**
   * Which clients a notice means. The name in it may be the long or the short form of the one in the locks, and an
   * address is often one host's alone; but a notice never frees what was locked from another address, nor one of
   * several hosts behind an address that goes by another name.
   */
  meant({ address, name }: LockClient): readonly LockClient[] {
    const there = this.#known
      .values()
      .map(({ client }) => client)
      .filter((client) => client.address === address)
      .toArray();
    const alike = there.filter((client) => firstLabel(client.name) === firstLabel(name));
    return alike.length === 0 && there.length === 1 ? there : alike;
  }

  isKnown(client: LockClient): boolean {
    return this.#known.has(clientKey(client));
  }

  /** Those that the store has. */
  remembered(): readonly LockClient[] {
    return this.#known
      .values()
      .filter(({ stored }) => stored !== undefined)
      .map(({ client }) => client)
      .toArray();
  }

  /** Forgets a client that holds nothing, here and in the store. */
  async forget(client: LockClient): Promise<void> {
    const key = clientKey(client);
    const known = this.#known.get(key);
    if (this.#isBusy(key)) return;
    this.#delete(key);
    if (known?.stored !== undefined) await this.#store.forget(client);
  }

  /** Forgets somebody who holds nothing, and is to hold nothing again, where there would be too many. */
  async #hasRoom(address: string): Promise<boolean> {
    if (!this.#isFull(address)) return true;
    const isCrowded = this.#ofAddress(address) >= CLIENTS_OF_ADDRESS_MAX;
    const idle = this.#known
      .values()
      .find(({ client }) => (!isCrowded || client.address === address) && this.#isIdle(client));
    if (idle === undefined) return false;
    await this.forget(idle.client);
    return !this.#isFull(address);
  }

  #isIdle(client: LockClient): boolean {
    return !this.#isBusy(clientKey(client)) && !this.#isAwaited(client);
  }

  #isFull(address: string): boolean {
    return this.#known.size >= CLIENTS_MAX || this.#ofAddress(address) >= CLIENTS_OF_ADDRESS_MAX;
  }

  #ofAddress(address: string): number {
    return this.#addresses.get(address) ?? 0;
  }

  #set(key: string, known: Known): void {
    this.#delete(key);
    this.#known.set(key, known);
    const { address } = known.client;
    this.#addresses.set(address, this.#ofAddress(address) + 1);
  }

  #delete(key: string): void {
    const known = this.#known.get(key);
    if (known === undefined) return;
    this.#known.delete(key);
    const { address } = known.client;
    const left = this.#ofAddress(address) - 1;
    if (left > 0) this.#addresses.set(address, left);
    else this.#addresses.delete(address);
  }
}

function firstLabel(name: string): string {
  return name.toLowerCase().split('.', 1)[0] ?? '';
}
