/** Whether it is damage that a store failed of: another start mends anything else. */

import { FsError } from '@facet/core';
import { checkPages, type DamagedPage, EngineError } from '@facet/engine';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { endsWithin } from '../serve/deadline.ts';
import type { StoreLayout } from './layout.ts';

/** Of large metadata damage may lie beyond what is looked at in that time. */
const LOOK_MS_MAX = 20_000;

/**
 * What an error is of that says no more than that the store can not be relied on: LMDB takes many a damaged page for a
 * transaction that failed. Its pages are looked at, as by `facet fsck`.
 * @returns CommandFailure Corrupt (6) where one is damaged, else the error
 */
export async function damageBehind(error: unknown, { metadata }: StoreLayout): Promise<unknown> {
  if (!(error instanceof EngineError || error instanceof FsError) || error.code !== 'Failed') return error;
  const found = Promise.withResolvers<string>();
  const onDamaged = ({ page, reason, isOfFreePages }: DamagedPage): void => {
    // A start that finds it makes that list anew.
    if (!isOfFreePages) found.resolve(`page ${page}: ${reason}`);
  };
  const over = checkPages(metadata, onDamaged, { msMax: LOOK_MS_MAX }).catch(() => undefined);
  let damage: string | undefined;
  await endsWithin(
    LOOK_MS_MAX,
    Promise.race([found.promise, over]).then((first) => {
      damage = first ?? undefined;
    }),
  );
  if (damage === undefined) return error;
  return new CommandFailure({
    exitCode: EXIT.damage,
    code: 'Corrupt',
    message: `the metadata in ${metadata} is damaged (${damage}): ${error.message}. 'facet restore' brings a backup back`,
  });
}
