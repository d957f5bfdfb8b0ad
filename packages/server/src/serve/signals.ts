/**
 * SIGTERM and SIGINT: the server stops. So it does at a SIGHUP when the terminal that it was started from was closed; any
 * other SIGHUP is somebody's wish that what is in files be read again. Further signals change nothing: the stop under way
 * is the stop.
 */

import { closeSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

export interface StopSignals {
  /** Resolves at the first signal. */
  readonly received: Promise<NodeJS.Signals>;
  /** Resolves at the second: somebody would like to know what it waits for. */
  readonly repeated: Promise<NodeJS.Signals>;
  wasReceived(): boolean;
  /** What a SIGHUP does, unless the terminal is gone; one that came before does it now. */
  onHangup(renew: () => Promise<void>): void;
}

export function listenForStopSignals(): StopSignals {
  const first = Promise.withResolvers<NodeJS.Signals>();
  const second = Promise.withResolvers<NodeJS.Signals>();
  let count = 0;
  let renew: (() => Promise<void>) | undefined;
  let cameEarly = false;
  // `nohup` leaves neither of the two on it.
  const hadTerminal = (isatty(0) || isatty(1)) && hasTerminal();
  const stop = (signal: NodeJS.Signals): void => {
    count += 1;
    (count === 1 ? first : second).resolve(signal);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
  process.on('SIGHUP', (signal) => {
    const lostTerminal = hadTerminal && !hasTerminal();
    if (lostTerminal || count > 0) stop(signal);
    else if (renew === undefined) cameEarly = true;
    else void renew();
  });
  return {
    received: first.promise,
    repeated: second.promise,
    wasReceived: () => count > 0,
    onHangup: (does) => {
      renew = does;
      if (cameEarly) void renew();
    },
  };
}

/** Whether the process has a terminal that controls it: one that was closed cannot be opened. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}

/**
 * Has the signals that other servers rotate logs or reload settings by do nothing but `tell`. Left alone, SIGUSR2 ends
 * the process in the middle of its work, and SIGUSR1 opens Node's debugger to every user of the machine: `bin/facet` has
 * Node block that one from the first moment on, so that it is heard only where something else started the process.
 *
 * @source Node's documentation: process, signal events
 */
export function ignoreUserSignals(tell: (signal: NodeJS.Signals) => void): void {
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.on(signal, tell);
}
