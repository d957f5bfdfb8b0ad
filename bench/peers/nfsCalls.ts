/** An export whose directories are renamed by NFS, without a kernel between. */

import { randomInt } from 'node:crypto';
import { place, RpcConnection, readChanged } from '@facet/nfs-client';
import { HOST } from './servers/server.ts';

const XIDS = 2 ** 32;

export interface Mounted {
  readonly nfsPort: number;
  readonly mountPort: number;
  readonly exportPath: string;
}

export class NfsCalls implements Disposable {
  readonly #connection: RpcConnection;
  readonly #root: Buffer;
  // A server may remember calls for longer than a connection lives.
  #xid = randomInt(XIDS);

  private constructor(connection: RpcConnection, root: Buffer) {
    this.#connection = connection;
    this.#root = root;
  }

  static async mount({ nfsPort, mountPort, exportPath }: Mounted): Promise<NfsCalls> {
    const mounting = await RpcConnection.open({ port: mountPort, localAddress: HOST });
    try {
      const root = await mounting.mount(exportPath);
      return new NfsCalls(await RpcConnection.open({ port: nfsPort, localAddress: HOST }), root);
    } finally {
      mounting.close();
    }
  }

  /** Of names in the root. */
  async rename(from: string, to: string): Promise<void> {
    this.#xid = (this.#xid + 1) % XIDS;
    const args = Buffer.concat([place(this.#root, from), place(this.#root, to)]);
    readChanged(await this.#connection.call({ xid: this.#xid, procedure: 'RENAME', args }), 2);
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}
