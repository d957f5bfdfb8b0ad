/** Waiting that ends early: time as the lock manager has it, so that tests need not wait. */
import { setTimeout as after } from 'node:timers/promises';

/** Resolves after so many milliseconds, or as soon as the signal aborts. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

/** The system's clock. Does not keep the process alive. */
export const pause: Pause = async (ms, signal) => {
  try {
    await after(ms, undefined, { signal, ref: false });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
};
