import { onTestFinished } from 'vitest';
import type { Engine } from '../src/index.ts';
import { openJournaled } from './journalRig.ts';

/** As {@link openJournaled}, for one test: handles that were left open when it failed would be told instead of why. */
export async function openJournaledHere(options: Parameters<typeof openJournaled>[0]): Promise<Engine> {
  const engine = await openJournaled(options);
  onTestFinished(() => engine.close());
  return engine;
}
