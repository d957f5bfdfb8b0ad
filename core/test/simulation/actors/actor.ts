/** Who lives in a world: clients of both views, and now and then somebody who looks after it. */

import { FsError } from '../../../src/index.ts';
import { isRefusal } from '../refusals.ts';
import { fileActions } from './files.ts';
import { objectActions } from './objects.ts';
import { storeActions, volumes } from './store.ts';
import type { Action, Surroundings } from './surroundings.ts';
import { uploadActions } from './uploads.ts';

const ACTIONS = [...objectActions, ...uploadActions, ...fileActions];
/** What is done through whichever process serves by key. */
const BY_KEY: ReadonlySet<Action> = new Set([...objectActions, ...uploadActions, volumes]);
const ACTIONS_PER_CHORE = 25;

export interface Refused {
  /** Told when something was refused for want of room. */
  readonly noRoom: () => void;
  /** Told when something was refused for the volume's quota. */
  readonly overQuota: () => void;
  /** Told when a device failed. */
  readonly failed: () => void;
}

/** Does `count` things, one after the other. What the store refuses it may refuse; any other failure is one. */
export async function live(within: Surroundings, count: number, refused: Refused): Promise<void> {
  for (let i = 0; i < count && !within.process.isOver; i += 1) {
    try {
      const action = within.pick(within.oneIn(ACTIONS_PER_CHORE) ? storeActions : ACTIONS);
      if (BY_KEY.has(action)) await within.throughDoor(action);
      else await action(within);
    } catch (error) {
      if (error instanceof FsError && error.code === 'Failed') refused.failed();
      else if (!isRefusal(error)) throw error;
      else if (error.code === 'NoSpace') refused.noRoom();
      else if (error.code === 'QuotaExceeded') refused.overQuota();
    }
  }
}
