/** The store's process holds still while a worker opens the metadata: LMDB wants that (see `LmdbEngine.holdStill`). */

import type { Handlers } from '@facet/link';
import type { Logger } from 'pino';
import type { RunningServer } from '../../server.ts';
import type { OpeningCalls } from '../protocol/messages.ts';

/** It takes about a millisecond. */
const OPENING_MS_MAX = 10_000;

export interface OpeningParts extends Pick<RunningServer, 'holdStill'> {
  /** Resolves when the worker is gone, or the connection to it. */
  readonly over: Promise<void>;
  readonly logger: Pick<Logger, 'error'>;
  /** How it is ended that does not come to an end. Unless told, by SIGKILL. */
  readonly kill?: (pid: number) => void;
  readonly openingMsMax?: number;
}

/** One that is stuck may go on at any time: nothing is written before it is gone. */
export function answersToOpening(parts: OpeningParts): Handlers<OpeningCalls> {
  const { holdStill, over, logger, kill = killNow, openingMsMax = OPENING_MS_MAX } = parts;
  let isOver = false;
  let patience: NodeJS.Timeout | undefined;
  let release: (() => void) | undefined;
  const goOn = (): void => {
    clearTimeout(patience);
    release?.();
    release = undefined;
  };
  void over.then(() => {
    isOver = true;
    goOn();
  });
  return {
    holdStill: async ({ pid }) => {
      release = await holdStill();
      if (isOver) goOn();
      else
        patience = setTimeout(() => {
          logger.error({ pid }, 'a worker does not come to an end with opening the metadata, and is ended');
          kill(pid);
        }, openingMsMax);
      return null;
    },
    goOn: () => {
      goOn();
      return null;
    },
  };
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}
