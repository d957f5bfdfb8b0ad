/**
 * A Linux kernel as the client, in a small virtual machine: `FACET_NFS_CLIENT` names the program that boots it. Called
 * as `PROGRAM start|exec|stop --id NAME …` it mounts an export of a server on the loopback address and runs commands
 * in the mount; it shows the host's files to them, for reading.
 */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const GUEST = fileURLToPath(new URL('./guest.py', import.meta.url));
const BOOT_SECONDS_MAX = 100;
const STEP_SECONDS_MAX = 1800;

export interface KernelClientOptions {
  readonly program: string;
  readonly name: string;
  /** 127.0.0.x: what the server sees. */
  readonly address: string;
  readonly nfsPort: number;
  readonly mountPort: number;
  readonly exportPath: string;
  /** Where the program keeps what it knows of its machines. */
  readonly stateFolder: string;
}

/** What one step did, as it says itself. */
export interface StepResult {
  readonly operations: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Of all calls, from sending to reply, added up: of several under way at once each counts. */
  readonly waitedSeconds: number;
  /** Milliseconds, of a file; undefined of a step that is not done file by file. */
  readonly p50?: number;
  readonly p99?: number;
}

export class KernelClient {
  readonly #options: KernelClientOptions;

  private constructor(options: KernelClientOptions) {
    this.#options = options;
  }

  static async boot(options: KernelClientOptions): Promise<KernelClient> {
    const client = new KernelClient(options);
    const { address, exportPath, mountPort, name, nfsPort } = options;
    await client.#run('start', [
      ...['--server-port', String(nfsPort), '--mount-port', String(mountPort), '--export', exportPath],
      ...['--mount-opts', 'rsize=1048576,wsize=1048576', '--client-ip', address, '--hostname', name],
      ...['--timeout', String(BOOT_SECONDS_MAX)],
    ]);
    return client;
  }

  /** Runs one step of guest.py. */
  async step(plan: Readonly<Record<string, string | number>>): Promise<StepResult> {
    // No word of a plan has a quote in it.
    const command = `exec python3 ${GUEST} '${JSON.stringify(plan)}'`;
    const printed = await this.#run('exec', ['--timeout', String(STEP_SECONDS_MAX), '--', command]);
    return parseResult(printed);
  }

  async stop(): Promise<void> {
    await this.#run('stop', []);
  }

  async #run(verb: string, args: readonly string[]): Promise<string> {
    const { program, name, stateFolder } = this.#options;
    const env = { ...process.env, NFS_CLIENT_STATE: stateFolder };
    const { stdout } = await run(program, [verb, '--id', name, ...args], { env });
    return stdout;
  }
}

function parseResult(printed: string): StepResult {
  const { operations, bytes, seconds, waitedSeconds, p50, p99 }: Record<string, unknown> =
    JSON.parse(printed);
  if (
    typeof operations !== 'number' ||
    typeof bytes !== 'number' ||
    typeof seconds !== 'number' ||
    typeof waitedSeconds !== 'number'
  ) {
    throw new Error(`a step printed ${printed}`);
  }
  return {
    ...{ operations, bytes, seconds, waitedSeconds },
    ...(typeof p50 === 'number' && typeof p99 === 'number' && { p50, p99 }),
  };
}
