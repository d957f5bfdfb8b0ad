/** What a running server uses, with all processes that it started: from /proc, so Linux only. */

import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks of /proc/<pid>/stat a second: 100 on every Linux that Node supports. */
export const TICKS_A_SECOND = 100;
const SAMPLE_MS = 100;

interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  /** Its own and that of children that it has waited for, user and system. */
  readonly ticks: number;
}

export class Meter {
  readonly #root: number;
  readonly #sampler: NodeJS.Timeout;
  #peakAnonymousBytes = 0;

  /** @param root the process that is the parent, or the parent's parent, of all others of the server */
  constructor(root: number) {
    this.#root = root;
    this.#sampler = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  stop(): void {
    clearInterval(this.#sampler);
  }

  forgetPeak(): void {
    this.#peakAnonymousBytes = 0;
  }

  /** Memory of its own, and shared between processes: not the page cache. */
  get peakAnonymousBytes(): number {
    this.#sample();
    return this.#peakAnonymousBytes;
  }

  /** All processes' and threads' user and system time. */
  get cpuSeconds(): number {
    return processTree(this.#root).reduce((sum, { ticks }) => sum + ticks, 0) / TICKS_A_SECOND;
  }

  #sample(): void {
    let bytes = 0;
    for (const { pid } of processTree(this.#root)) {
      const status = read(pid, 'status') ?? '';
      const kilobytes = (name: string) =>
        Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
      bytes += (kilobytes('RssAnon') + kilobytes('RssShmem')) * 1024;
    }
    this.#peakAnonymousBytes = Math.max(this.#peakAnonymousBytes, bytes);
  }
}

/** The process and all below it. */
function processTree(root: number): ProcessFacts[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => factsOf(Number(name)) ?? []);
  const tree = all.filter(({ pid }) => pid === root);
  // Grows while it is walked.
  for (const { pid: above } of tree) tree.push(...all.filter(({ parent }) => parent === above));
  return tree;
}

/** @returns undefined of one that has ended meanwhile */
function factsOf(pid: number): ProcessFacts | undefined {
  // The command's name is in parentheses and may hold anything: fields are counted after it.
  const fields = read(pid, 'stat')
    ?.replace(/^.*\) /s, '')
    .split(' ');
  if (fields === undefined) return undefined;
  const ticks = fields.slice(11, 15).reduce((sum, text) => sum + Number(text), 0);
  return { pid, parent: Number(fields[1]), ticks };
}

function read(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}
