/** SIGTERM and SIGINT. Further ones change nothing: the stop under way is the stop. */

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
  process.on('SIGTERM', listener);
  process.on('SIGINT', listener);
  return { received: first.promise, repeated: second.promise, wasReceived: () => count > 0 };
}
