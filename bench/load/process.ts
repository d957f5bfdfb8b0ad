/** A server under test, pinned to its own core, and what it used: from /proc, so Linux only. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** The server has this core, the client the other. */
export const SERVER_CORE = 0;
export const CLIENT_CORE = 1;
/** Clock ticks of /proc/<pid>/stat a second: 100 on every Linux that Node supports. */
const TICKS_A_SECOND = 100;

export interface Usage {
  readonly cpuSeconds: number;
}

export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #sampler: NodeJS.Timeout;
  #peakAnonymousBytes = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#sampler = setInterval(() => this.#sample(), 100);
  }

  /** Starts a program and waits for the one line of JSON that says where it listens. */
  static async start(
    words: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<[ServerProcess, unknown]> {
    const child = spawn('taskset', ['-c', String(SERVER_CORE), process.execPath, ...words], {
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

  #read(file: string): string {
    return readFileSync(`/proc/${this.#child.pid}/${file}`, 'utf8');
  }

  #sample(): void {
    const status = this.#read('status');
    const kilobytes = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
    const bytes = (kilobytes('RssAnon') + kilobytes('RssShmem')) * 1024;
    this.#peakAnonymousBytes = Math.max(this.#peakAnonymousBytes, bytes);
  }

  get peakAnonymousBytes(): number {
    this.#sample();
    return this.#peakAnonymousBytes;
  }

  forgetPeak(): void {
    this.#peakAnonymousBytes = 0;
  }

  /** All threads' user and system time. */
  usage(): Usage {
    // The command's name is in parentheses and may hold anything: fields are counted after it.
    const fields = this.#read('stat')
      .replace(/^.*\) /s, '')
      .split(' ');
    return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND };
  }

  async stop(): Promise<void> {
    clearInterval(this.#sampler);
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
