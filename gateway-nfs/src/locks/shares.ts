/**
 * DOS share reservations: what an owner that has a file open does with it, and what it forbids others. They bind nobody but
 * each other, and no byte range.
 *
 * @source XNFS chapter 10, NLM_SHARE and NLM_UNSHARE
 */

export interface ShareRequest {
  readonly file: string;
  readonly client: string;
  /** The client's own name for the owner, opaque. */
  readonly oh: Buffer;
  /** Bits: 1 read, 2 write. */
  readonly deny: number;
  /** Bits: 1 read, 2 write. */
  readonly access: number;
}

interface Share {
  readonly client: string;
  readonly deny: number;
  readonly access: number;
}

/** In all. */
const SHARES_MAX = 10_000;
const SHARES_PER_FILE_MAX = 1000;

export class ShareTable {
  readonly #files = new Map<string, Map<string, Share>>();
  /** How many of each client, in which files: nobody is to wait while all are gone through. */
  readonly #clients = new Map<string, Map<string, number>>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** An owner's new reservation takes the place of its old one. */
  share({ file, client, oh, deny, access }: ShareRequest): 'granted' | 'denied' | 'full' {
    const owner = shareOwner(client, oh);
    const shares = this.#files.get(file) ?? new Map<string, Share>();
    for (const [other, share] of shares) {
      if (other !== owner && ((share.deny & access) !== 0 || (deny & share.access) !== 0)) return 'denied';
    }
    const isNew = !shares.has(owner);
    if (isNew && (this.#count >= SHARES_MAX || shares.size >= SHARES_PER_FILE_MAX)) return 'full';
    if (isNew) this.#add(client, file, 1);
    shares.set(owner, { client, deny, access });
    this.#files.set(file, shares);
    return 'granted';
  }

  unshare({ file, client, oh }: Pick<ShareRequest, 'file' | 'client' | 'oh'>): void {
    const shares = this.#files.get(file);
    if (shares?.delete(shareOwner(client, oh)) !== true) return;
    this.#add(client, file, -1);
    if (shares.size === 0) this.#files.delete(file);
  }

  isBusy(client: string): boolean {
    return this.#clients.has(client);
  }

  releaseClient(client: string): void {
    for (const file of [...(this.#clients.get(client)?.keys() ?? [])]) {
      const shares = this.#files.get(file);
      for (const [owner, share] of shares ?? []) {
        if (share.client !== client) continue;
        shares?.delete(owner);
        this.#add(client, file, -1);
      }
      if (shares?.size === 0) this.#files.delete(file);
    }
  }

  dropFile(file: string): void {
    for (const { client } of this.#files.get(file)?.values() ?? []) this.#add(client, file, -1);
    this.#files.delete(file);
  }

  #add(client: string, file: string, more: 1 | -1): void {
    this.#count += more;
    const files = this.#clients.get(client) ?? new Map<string, number>();
    const count = (files.get(file) ?? 0) + more;
    if (count > 0) files.set(file, count);
    else files.delete(file);
    if (files.size > 0) this.#clients.set(client, files);
    else this.#clients.delete(client);
  }
}

function shareOwner(client: string, oh: Buffer): string {
  return `${oh.toString('latin1')}:${client}`;
}
