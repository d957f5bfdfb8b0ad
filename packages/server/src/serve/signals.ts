/**
 * SIGTERM, SIGINT, and SIGHUP, which is a terminal that was closed: the server stops. Further ones change nothing: the
 * stop under way is the stop.
 */

export interface StopSignals {
  /** Resolves at the first signal. */
  readonly received: Promise<NodeJS.Signals>;
  /** Resolves at the second: somebody would like to know what it waits for. */
  readonly repeated: Promise<NodeJS.Signals>;
  wasReceived(): boolean;
}

export function listenForStopSignals(): StopSignals {
  const first = Promise.withResolvers<NodeJS.Signals>();
  const second = Promise.withResolvers<NodeJS.Signals>();
  let count = 0;
  const listener = (signal: NodeJS.Signals): void => {
    count += 1;
    (count === 1 ? first : second).resolve(signal);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, listener);
  return { received: first.promise, repeated: second.promise, wasReceived: () => count > 0 };
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
