/**
 * A crash must end the process, or nobody starts another one and its lock is never given back. aws-crt takes the
 * signals of a crash over when it is loaded: its handler calls exit(3), and that waits for threads which wait for
 * the one that crashed. Main imports this first, to keep what was there before.
 *
 * @source Linux man page sigaction(2); POSIX: exit(3) is not async-signal-safe
 */

import { constants } from 'node:os';
import koffi from 'koffi';

const { SIGABRT, SIGBUS, SIGILL, SIGSEGV } = constants.signals;
/** More than a `struct sigaction` takes anywhere (152 with glibc on x86-64). */
const ACTION_BYTES = 256;

const sigaction = koffi.load(null).func('int sigaction(int signal, const void *action, void *before)');

const before = [SIGABRT, SIGBUS, SIGILL, SIGSEGV].map((signal) => {
  const action = Buffer.alloc(ACTION_BYTES);
  sigaction(signal, null, action);
  return { signal, action };
});

/** To be called when everything native is loaded. Node's own handler (for WebAssembly) is back in its place. */
export function restoreCrashSignals(): void {
  for (const { signal, action } of before) sigaction(signal, action, null);
}
