/** Staged bytes that will not be published go to the collector. */

import type { Location } from '@facet/extents';
import type { Command, CommandRunner } from '../commands/command.ts';
import { FsError } from '../errors.ts';
import type { StagedBody } from '../objects/types.ts';
import { enqueueFree } from './bodies.ts';
import { settle } from './settled.ts';

const discardExtent: Command<{ readonly location: Location }, number> = {
  name: 'discardExtent',
  runsWhenFull: true,
  run: (tx, args) => enqueueFree({ tx }, { kind: 'extent', location: args.location }),
};

export async function discardBody(commands: CommandRunner, body: StagedBody): Promise<void> {
  if (body.kind === 'extent') await commands.run(discardExtent, { location: body.location });
  settle(body);
}

/** Runs a command that publishes a staged body; the body is discarded if it certainly was not published. */
export async function publishing<R>(
  commands: CommandRunner,
  body: StagedBody,
  publish: () => Promise<R>,
): Promise<R> {
  try {
    const published = await publish();
    settle(body);
    return published;
  } catch (error) {
    // After a failed device nobody knows what was committed: recovery decides, with the disk before it.
    const unknown = error instanceof FsError && (error.code === 'Failed' || error.code === 'Closed');
    if (!unknown) await discardBody(commands, body);
    throw error;
  }
}
