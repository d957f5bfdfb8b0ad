/** Anonymous memory of a process, watched while something happens. Page cache and mapped files do not count. */
import { readFileSync } from 'node:fs';
import { Skip } from '../runner/suite.ts';

const SAMPLE_MS = 50;

/** RssAnon and RssShmem together, in bytes. @throws Skip where there is no /proc */
function anonymousBytes(pid: number): number {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch (cause) {
    throw new Skip(`no /proc/${pid}/status to read memory from: ${(cause as Error).message}`);
  }
  const kibibytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return (kibibytes('RssAnon') + kibibytes('RssShmem')) * 1024;
}

/** The most that was seen while `work` ran. */
export async function peakDuring(pid: number, work: () => Promise<void>): Promise<number> {
  let peakBytes = anonymousBytes(pid);
  const timer = setInterval(() => {
    peakBytes = Math.max(peakBytes, anonymousBytes(pid));
  }, SAMPLE_MS);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return Math.max(peakBytes, anonymousBytes(pid));
}
