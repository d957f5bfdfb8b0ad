/** When something is done that nobody asks for, and how long somebody waits: a test can hand in its own. */
export interface Timer {
  /** Calls `run` once, about `delayMs` milliseconds from now, unless cancelled before. */
  after(delayMs: number, run: () => void): { cancel(): void };
}

/** Keeps no process alive. */
export const systemTimer: Timer = {
  after(delayMs, run) {
    const handle = setTimeout(run, delayMs);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};
