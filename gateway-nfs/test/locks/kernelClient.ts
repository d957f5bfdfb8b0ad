/**
 * Linux kernel clients, each a small virtual machine: `FACET_NFS_CLIENT` names the program that boots them. Called as
 * `PROGRAM start|exec|stop --id NAME …`, it mounts an export of a server on the loopback address, as a host with an
 * address of its own (127.0.0.x).
 */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const KERNEL_CLIENT = process.env['FACET_NFS_CLIENT'];

export interface KernelClientOptions {
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly exportPath: string;
  /** A folder for this test's clients, which they may also write to. */
  readonly folder: string;
}

export class KernelClient {
  readonly #options: KernelClientOptions;

  private constructor(options: KernelClientOptions) {
    this.#options = options;
  }

  /** Boots one, which takes a few seconds. */
  static async boot(options: KernelClientOptions): Promise<KernelClient> {
    const client = new KernelClient(options);
    const { address, exportPath, folder, id } = options;
    const port = String(options.port);
    await client.#run('start', [
      ...['--server-port', port, '--nlm-port', port, '--nsm-port', port, '--lock'],
      ...['--export', exportPath, '--client-ip', address, '--hostname', id, '--share', folder],
      ...['--timeout', '100'],
    ]);
    return client;
  }

  /** Runs a shell command in the mount; resolves to what it writes. */
  exec(command: string): Promise<string> {
    return this.#run('exec', ['--timeout', '60', '--', command]);
  }

  stop(): Promise<string> {
    return this.#run('stop', []);
  }

  /** Pulls the plug. */
  async kill(): Promise<void> {
    const pid = Number(await readFile(join(this.#state, this.#options.id, 'bridge.pid'), 'utf8'));
    // The program answers it by killing the machine at once.
    process.kill(pid, 'SIGTERM');
    for (;;) {
      try {
        process.kill(pid, 0);
      } catch {
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  get #state(): string {
    return join(this.#options.folder, 'clients');
  }

  async #run(verb: string, args: readonly string[]): Promise<string> {
    if (KERNEL_CLIENT === undefined) throw new Error('FACET_NFS_CLIENT names no client');
    const env = { ...process.env, NFS_CLIENT_STATE: this.#state };
    const { stdout } = await run(KERNEL_CLIENT, [verb, '--id', this.#options.id, ...args], { env });
    return stdout;
  }
}
