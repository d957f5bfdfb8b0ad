/** A server under test, pinned to its own core, and what it used: from /proc, so Linux only. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { createInterface } from 'node:readline';
import { Meter, TICKS_A_SECOND } from './meter.ts';

/** The server has this core, the client the other. */
export const SERVER_CORE = 0;
export const CLIENT_CORE = 1;
/** For servers of several processes, and their clients. */
export const ALL_CORES = `0-${cpus().length - 1}`;

export interface Usage {
  readonly cpuSeconds: number;
}

export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #meter: Meter;

  private constructor(child: ChildProcess) {
    if (child.pid === undefined) throw new Error('a server that printed a line has a process id');
    this.#child = child;
    this.#meter = new Meter(child.pid);
  }

  /**
   * Starts a program and waits for the one line of JSON that says where it listens.
   * @param cores as taskset names them
   */
  static async start(
    words: readonly string[],
    env: Readonly<Record<string, string>> = {},
    cores = String(SERVER_CORE),
  ): Promise<[ServerProcess, unknown]> {
    const child = spawn('taskset', ['-c', cores, process.execPath, ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
    const lines = createInterface({ input: child.stdout });
    const line = await Promise.race([
      once(lines, 'line').then(([first]) => String(first)),
      once(child, 'exit').then(([code]) =>
        Promise.reject(new Error(`${words.join(' ')} ended with ${code}`)),
      ),
    ]);
    return [new ServerProcess(child), JSON.parse(line)];
  }

  get peakAnonymousBytes(): number {
    return this.#meter.peakAnonymousBytes;
  }

  forgetPeak(): void {
    this.#meter.forgetPeak();
  }

  usage(): Usage {
    return { cpuSeconds: this.#meter.cpuSeconds };
  }

  async stop(): Promise<void> {
    this.#meter.stop();
    if (this.#child.exitCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }
}

/** Seconds a core spent doing anything, since boot. */
export function coreBusySeconds(core: number): number {
  const line =
    readFileSync('/proc/stat', 'utf8')
      .split('\n')
      .find((text) => text.startsWith(`cpu${core} `)) ?? '';
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) / TICKS_A_SECOND;
}
