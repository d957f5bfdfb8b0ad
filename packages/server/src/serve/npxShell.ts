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
  const script = npxScript(process.env);
  if (script === undefined) return;
  const parent = process.ppid;
  if (!isNpxShell(parent, script)) {
    if (isOrphan(parent)) stop();
    return;
  }
  const prctl = koffi.load(null).func('int prctl(int option, ...)');
  prctl(PR_SET_PDEATHSIG, 'unsigned long', constants.signals.SIGTERM);
  // It may have died before the kernel was asked.
  if (process.ppid !== parent) stop();
}

const stop = (): void => {
  process.kill(process.pid, 'SIGTERM');
};

/**
 * What npx has its shell run when that is this one command, as one word. `npx -c '…'` runs whatever is in its text, a
 * server in the background among others.
 */
function npxScript(environment: NodeJS.ProcessEnv): string | undefined {
  if (environment['npm_lifecycle_event'] !== 'npx') return undefined;
  const script = environment['npm_lifecycle_script'] ?? '';
  return /^(['"]?)[\w@./-]*facet\1$/.test(script) ? script : undefined;
}

/** Whether a process is the shell of `npx facet …`, with this one command and nothing else to run. */
function isNpxShell(pid: number, script: string): boolean {
  const [, flag, text] = argumentsOf(pid);
  return flag === '-c' && text !== undefined && text.startsWith(`${script} `);
}

/**
 * Whether that shell died before it could be looked at, in the first moments of this process: its parent is now
 * whoever takes orphans in. A shell without job control leaves its child in its own process group, and those who take
 * in are in another.
 */
function isOrphan(parent: number): boolean {
  return processGroupOf(parent) !== processGroupOf(process.pid);
}

function argumentsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** @source Linux man page proc_pid_stat(5): after the name, which may hold anything, come state, parent and group */
function processGroupOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
  } catch {
    return undefined;
  }
}
