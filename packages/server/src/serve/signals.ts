/** SIGTERM and SIGINT as a promise. Further ones change nothing: the stop under way is the stop. */

export interface StopSignals {
  /** Resolves at the first signal. */
  readonly received: Promise<NodeJS.Signals>;
}

export function listenForStopSignals(): StopSignals {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  process.on('SIGTERM', resolve);
  process.on('SIGINT', resolve);
  return { received: promise };
}
