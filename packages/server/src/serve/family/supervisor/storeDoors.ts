/** The doors of the store's process, as the supervisor has them: it listens there, and while that is away, who comes waits. */

import type { ServeSettings } from '../../../settings/settings.ts';
import { type AcceptedAt, type Door, listen } from '../../listen.ts';
import { Distributor } from './distributor.ts';
import type { StoreChild } from './storeChild.ts';

export class StoreDoors {
  readonly #distributors = {
    admin: new Distributor(),
    nfs: new Distributor(),
    portmap: new Distributor(),
  } as const satisfies Record<keyof AcceptedAt, Distributor>;
  #acceptedAt: AcceptedAt = {};

  get acceptedAt(): AcceptedAt {
    return this.#acceptedAt;
  }

  /** @throws CommandFailure */
  async listen({ admin, nfs, portmap }: ServeSettings): Promise<void> {
    const opened: Door[] = [];
    const at = { admin, nfs, portmap: portmap === 'rpcbind' ? undefined : portmap };
    for (const door of ['admin', 'nfs', 'portmap'] as const) {
      const wanted = at[door];
      if (wanted === undefined) continue;
      const flag = `--${door}` as const;
      const address = await listen({ address: wanted, flag, opened }, (bound) =>
        this.#distributors[door].listen(bound),
      );
      opened.push({ address, flag });
      this.#acceptedAt = { ...this.#acceptedAt, [door]: address };
    }
  }

  /** It is live, and its store is not open yet. */
  live(child: StoreChild): void {
    this.#distributors.admin.takers = [child.taker('admin')];
  }

  /** Its store is open. */
  serving(child: StoreChild): void {
    for (const door of ['nfs', 'portmap'] as const) this.#distributors[door].takers = [child.taker(door)];
  }

  /** It ends, or is about to: everybody waits. */
  away(): void {
    for (const distributor of Object.values(this.#distributors)) distributor.takers = [];
  }

  /** Nobody new comes for his data. */
  closeToData(): void {
    for (const door of ['nfs', 'portmap'] as const) this.#distributors[door].close();
  }

  /** Nobody new comes at all. */
  close(): void {
    for (const distributor of Object.values(this.#distributors)) distributor.close();
  }
}
