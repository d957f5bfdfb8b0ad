/** Bounds in time what cannot be bounded otherwise. */

/** Whether `work` ended, well, within `milliseconds`. It goes on when it did not. @throws what `work` throws */
export async function endsWithin(milliseconds: number, work: Promise<unknown>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(resolve, milliseconds, false);
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
