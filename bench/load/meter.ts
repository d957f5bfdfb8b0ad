/** What a running server uses, by its process id: from /proc, so Linux only. */

import { readFileSync } from 'node:fs';

/** Clock ticks of /proc/<pid>/stat a second: 100 on every Linux that Node supports. */
export const TICKS_A_SECOND = 100;
const SAMPLE_MS = 100;

export class Meter {
  readonly #pid: number;
  readonly #sampler: NodeJS.Timeout;
  #peakAnonymousBytes = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#sampler = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  stop(): void {
    clearInterval(this.#sampler);
  }

  forgetPeak(): void {
    this.#peakAnonymousBytes = 0;
  }

  get peakAnonymousBytes(): number {
    this.#sample();
    return this.#peakAnonymousBytes;
  }

  /** All threads' user and system time. */
  get cpuSeconds(): number {
    // The command's name is in parentheses and may hold anything: fields are counted after it.
    const fields = this.#read('stat')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  }

  #sample(): void {
    const status = this.#read('status');
    const kilobytes = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
    const bytes = (kilobytes('RssAnon') + kilobytes('RssShmem')) * 1024;
    this.#peakAnonymousBytes = Math.max(this.#peakAnonymousBytes, bytes);
  }

  #read(file: string): string {
    return readFileSync(`/proc/${this.#pid}/${file}`, 'utf8');
  }
}
