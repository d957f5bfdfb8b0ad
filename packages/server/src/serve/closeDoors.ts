/** How the doors to the data close when the server is told to stop. */

import { endsWithin } from './deadline.ts';

export interface ClosableDoor {
  /** Takes nothing new from the moment it is called; resolves when what is in flight is finished. */
  close(): Promise<void>;
  /** What is in flight there, as the log names it. */
  readonly work: string;
}

interface Warnings {
  warn(fields: object, message: string): void;
}

/**
 * All at once: none goes on taking what is new while another finishes what is old.
 * @param graceMs what is in flight has this long
 */
export async function closeDoors(
  doors: readonly ClosableDoor[],
  { graceMs, logger }: { readonly graceMs: number; readonly logger: Warnings },
): Promise<void> {
  await Promise.all(
    doors.map(async (door) => {
      if (await endsWithin(graceMs, door.close())) return;
      logger.warn({ graceMs }, `${door.work} in flight took too long and are cut off`);
    }),
  );
}
