/** Staged bytes that will not be published go to the collector. */

import type { Location } from '@facet/extents';
import type { Command, Commands } from '../commands/command.ts';
import { FsError, type FsErrorCode } from '../errors.ts';
import type { StagedBody } from '../objects/types.ts';
import { enqueueFree } from './bodies.ts';
import { settle } from './settled.ts';

export const discardExtent: Command<{ readonly location: Location }, number> = {
  name: 'discardExtent',
  runsWhenFull: true,
  run: (tx, args) => enqueueFree({ tx }, { kind: 'extent', location: args.location }),
};

export async function discardBody(commands: Commands, body: StagedBody): Promise<void> {
  try {
    if (body.kind === 'extent') await commands.run(discardExtent, { location: body.location });
  } catch (error) {
    leaveBehind(commands, body);
    throw error;
  }
  settle(body);
}

/** To recovery. */
export function leaveBehind(commands: Commands, body: StagedBody): void {
  if (body.kind === 'extent') commands.leftBehind?.();
}

/** Runs a command that publishes a staged body; the body is discarded if it certainly was not published. */
export async function publishing<R>(
  commands: Commands,
  body: StagedBody,
  publish: () => Promise<R>,
): Promise<R> {
  try {
    const published = await publish();
    settle(body);
    return published;
  } catch (error) {
    if (isOutcomeUnknown(error)) leaveBehind(commands, body);
    else await discardBody(commands, body).catch(LEFT_TO_RECOVERY);
    throw error;
  }
}

/** Why it was not published is what is to be told. */
const LEFT_TO_RECOVERY = () => undefined;

const UNKNOWN: ReadonlySet<string> = new Set<FsErrorCode>(['Failed', 'Closed', 'Interrupted']);

/** Whether what was to be committed may have been: recovery decides, with the disk before it. */
export function isOutcomeUnknown(error: unknown): boolean {
  return error instanceof FsError && UNKNOWN.has(error.code);
}
