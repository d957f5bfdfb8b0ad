import type { SimulatedProcess } from './process.ts';

/** Each step of a world's processes waits to be chosen, where they are interleaved; else nothing waits. */
export class Turns {
  isInterleaved = false;

  /** What is over waits for ever. */
  async take(process: SimulatedProcess): Promise<void> {
    if (this.isInterleaved || process.isOver) await process.pause();
  }
}
