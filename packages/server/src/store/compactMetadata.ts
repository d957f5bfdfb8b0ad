/** Writes the metadata's file anew, of a store at rest. */

import { type CompactedFile, compactFile, EngineError } from '@facet/engine';
import { NodeDisk } from '@facet/extents';
import { Journal } from '@facet/journal';
import type { LongWorkOptions } from '../administration/contract.ts';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { damageBehind } from './damage.ts';
import type { StoreLayout } from './layout.ts';
import { openMetadata } from './metadata.ts';

/**
 * Its lock is held by the caller. What the journal holds is brought to its place first.
 * @throws CommandFailure NoSpace | Failed (1) | Corrupt (6)
 */
export async function compactMetadata(
  layout: StoreLayout,
  { onProgress }: Pick<LongWorkOptions, 'onProgress'>,
): Promise<CompactedFile> {
  try {
    const { engine } = await openMetadata(layout);
    await engine.close();
    const journal = await Journal.open({ disk: new NodeDisk(layout.metadata) });
    try {
      return await compactFile({ path: layout.metadata, journal, ...(onProgress && { onProgress }) });
    } finally {
      await journal.close();
    }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const found = await damageBehind(error, layout);
    if (found instanceof CommandFailure) throw found;
    const code = error.code === 'Full' ? 'NoSpace' : 'Failed';
    throw new CommandFailure({ exitCode: EXIT.failed, code, message: error.message });
  }
}
