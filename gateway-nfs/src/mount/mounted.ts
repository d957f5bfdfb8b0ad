/**
 * Who has mounted what, for whoever asks with DUMP: a hint in this process's memory, since clients vanish without
 * saying so. Nothing rests on it.
 */

const MOUNTS_MAX = 4096;

export interface Mount {
  /** The client's address. */
  readonly client: string;
  readonly path: Buffer;
}

export class Mounted {
  readonly #mounts = new Map<string, Mount>();

  /** The oldest makes room. */
  add(mount: Mount): void {
    const key = keyOf(mount);
    this.#mounts.delete(key);
    // What is kept for long is a copy: the path is a view of the whole call.
    this.#mounts.set(key, { ...mount, path: Buffer.from(mount.path) });
    const [oldest] = this.#mounts.keys();
    if (this.#mounts.size > MOUNTS_MAX && oldest !== undefined) this.#mounts.delete(oldest);
  }

  remove(mount: Mount): void {
    this.#mounts.delete(keyOf(mount));
  }

  removeAll(client: string): void {
    for (const [key, mount] of this.#mounts) if (mount.client === client) this.#mounts.delete(key);
  }

  list(): readonly Mount[] {
    return [...this.#mounts.values()];
  }
}

const keyOf = ({ client, path }: Mount): string => `${client} ${path.toString('latin1')}`;
