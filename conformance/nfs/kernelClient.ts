/**
 * A Linux kernel that mounts an export. `FACET_NFS_CLIENT` names the program that boots it:
 * `start --id ID [options]`, `exec --id ID -- COMMAND` runs a shell command in the mount, `stop --id ID`.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../runner/command.ts';
import { Skip } from '../runner/suite.ts';

/** Asks the server each time: what is read is the server's answer, not what the client remembers. */
export const NOTHING_CACHED = 'actimeo=0,lookupcache=none';

const BOOT_SECONDS_MAX = 120;
const COMMAND_SECONDS_MAX = 300;

export interface KernelClient {
  /** A folder of this host that the guest sees under the same path, and may write. */
  readonly shared: string;
  /** Runs a shell command in the mount's root. @returns what it wrote @throws CommandFailed when it failed */
  run(command: string, secondsMax?: number): Promise<string>;
  stop(): Promise<void>;
}

let started = 0;

/** @throws Skip when no program is named that boots a kernel */
export async function bootKernel(options: {
  readonly port: number;
  /** Where MOUNT and NLM are; on the same port as NFS unless told. */
  readonly mountPort?: number;
  readonly lockPort?: number;
  readonly volume: string;
  /** Options of the mount, besides version, transport and ports. */
  readonly mount: string;
  readonly scratch: string;
  /** The server's lock manager is used; else locks hold in this client alone. */
  readonly locks: boolean;
}): Promise<KernelClient> {
  const program = process.env['FACET_NFS_CLIENT'];
  if (program === undefined) throw new Skip('FACET_NFS_CLIENT names no program that boots a Linux kernel');
  started += 1;
  const id = `facet-${process.pid}-${started}`;
  // Of its own for each, since the server knows clients by their addresses.
  const address = `127.${100 + started}.${(process.pid >> 8) & 255}.${process.pid & 255 || 1}`;
  const shared = join(options.scratch, id);
  mkdirSync(shared);
  const call = (seconds: number, ...words: readonly string[]) =>
    runCommand(program, [...words.slice(0, 1), '--id', id, '--timeout', String(seconds), ...words.slice(1)], {
      timeoutMs: (seconds + 30) * 1_000,
    });
  // A machine outlives the program that booted it, and keeps a core busy.
  const leaveNothing = (): void => void spawnSync(program, ['stop', '--id', id], { timeout: 30_000 });
  process.once('exit', leaveNothing);
  await call(
    BOOT_SECONDS_MAX,
    'start',
    ...['--server-port', String(options.port), '--export', `/${options.volume}`],
    ...['--mount-port', String(options.mountPort ?? options.port)],
    ...['--mount-opts', options.mount, '--client-ip', address, '--share', options.scratch],
    ...(options.locks ? ['--lock', '--nlm-port', String(options.lockPort ?? options.port)] : []),
  );
  return {
    shared,
    run: async (command, secondsMax = COMMAND_SECONDS_MAX) =>
      (await call(secondsMax, 'exec', '--', command)).stdout,
    stop: async () => {
      await call(BOOT_SECONDS_MAX, 'stop');
      process.off('exit', leaveNothing);
    },
  };
}
