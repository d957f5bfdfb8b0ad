/**
 * NFS-Ganesha as the base line, over its VFS back end: `FACET_PEER_GANESHA` names a program that runs it, with locks.
 * `PROGRAM start --lock --dir DIR --export PATH --port N --mount-port N --nlm-port N --state DIR` leaves one running that
 * serves DIR to the loopback address; `PROGRAM stop --state DIR` ends it.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../runner/command.ts';
import { Skip } from '../runner/suite.ts';

export interface Ganesha {
  readonly port: number;
  readonly mountPort: number;
  readonly lockPort: number;
  stop(): Promise<void>;
}

const START_MS_MAX = 60_000;
/** The ports that it takes one after the other: NFS, MOUNT, NLM, and two of its lock monitor. */
const PORTS = 5;
const TRIES_MAX = 20;

/** @param folder is made, for its data @throws Skip when none is named, or it does not start */
export async function startGanesha(folder: string, volume: string): Promise<Ganesha> {
  const program = process.env['FACET_PEER_GANESHA'];
  if (program === undefined) throw new Skip('FACET_PEER_GANESHA names no program that runs NFS-Ganesha');
  const served = join(folder, 'data');
  for (const made of [folder, served]) mkdirSync(made);
  // Its lock monitor runs as a user of its own, and must get there.
  const state = mkdtempSync(join(tmpdir(), 'facet-ganesha-'));
  chmodSync(state, 0o711);
  const port = await freePorts();
  const [mountPort, lockPort] = [port + 1, port + 2];
  const leaveNothing = (): void =>
    void spawnSync(program, ['stop', '--state', state], { timeout: START_MS_MAX });
  process.once('exit', leaveNothing);
  const words = [
    ...['start', '--lock', '--dir', served, '--export', `/${volume}`, '--state', state],
    ...['--port', port, '--mount-port', mountPort, '--nlm-port', lockPort].map(String),
  ];
  const log = join(folder, 'start.log');
  try {
    // Into a file: what it leaves running would hold a pipe open.
    await runCommand('sh', ['-c', 'exec "$@" >"$0" 2>&1', log, program, ...words], {
      timeoutMs: START_MS_MAX,
    });
  } catch (error) {
    throw new Skip(`NFS-Ganesha does not start, see ${log}: ${(error as Error).message}`);
  }
  return {
    ...{ port, mountPort, lockPort },
    stop: async () => {
      await runCommand(program, ['stop', '--state', state], { timeoutMs: START_MS_MAX });
      process.off('exit', leaveNothing);
      rmSync(state, { recursive: true, force: true });
    },
  };
}

/** The first of several in a row that nobody listens on. */
async function freePorts(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const first = await listenOnce(0);
    const more = Array.from({ length: PORTS - 1 }, (_, at) => first + 1 + at);
    if ((await Promise.all(more.map(listenOnce))).every((port) => port > 0)) return first;
  }
  throw new Error(`no ${PORTS} free ports in a row`);
}

/** 0 when it is taken. */
async function listenOnce(port: number): Promise<number> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
  } catch {
    return 0;
  }
  const address = server.address();
  await once(server.close(), 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
