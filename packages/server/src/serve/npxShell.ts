/**
 * `npx facet serve` is three processes: npm, the shell it starts, the server. npm passes SIGTERM and SIGINT on to the
 * shell alone, which dies of them, and the server would run on with nobody to stop it. So it asks the kernel for a
 * SIGTERM when that shell dies.
 *
 * Nobody else's death means anything: a server whose parent was nohup, a daemon's or a login shell is meant to
 * outlive it. Of that one shell it is known that it does nothing but wait for the server.
 *
 * @source Linux man page PR_SET_PDEATHSIG(2const); npm's libnpmexec and run-script, which set `npm_lifecycle_*`
 */

import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import koffi from 'koffi';

const PR_SET_PDEATHSIG = 1;

/** To be called when the stop signals are listened for. */
export function stopWithNpxShell(): void {
  const parent = process.ppid;
  if (!isNpxShell(parent, process.env)) return;
  const prctl = koffi.load(null).func('int prctl(int option, ...)');
  prctl(PR_SET_PDEATHSIG, 'unsigned long', constants.signals.SIGTERM);
  // It may have died before the kernel was asked.
  if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
}

/** Whether a process is the shell of `npx facet …`, with this one command and nothing else to run. */
function isNpxShell(pid: number, environment: NodeJS.ProcessEnv): boolean {
  if (environment['npm_lifecycle_event'] !== 'npx') return false;
  // One word. `npx -c '…'` runs whatever is in its text, a server in the background among others.
  const script = environment['npm_lifecycle_script'] ?? '';
  if (!/^(['"]?)[\w@./-]*facet\1$/.test(script)) return false;
  const [, flag, text] = argumentsOf(pid);
  return flag === '-c' && text !== undefined && text.startsWith(`${script} `);
}

function argumentsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    // Dead already, and then the process has another parent by now: too late to know, or to matter.
    return [];
  }
}
