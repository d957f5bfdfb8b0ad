/** PutObject. */

import type { Command } from '../commands/command.ts';
import { publishBody } from '../contents/bodies.ts';
import { changeVolume } from '../tree/scope.ts';
import { checkWritePrecondition } from './etag.ts';
import { etagOf, findTarget } from './find.ts';
import { publishObject } from './publish.ts';
import type { PutObjectArgs, PutObjectResult } from './types.ts';

export const putObject: Command<PutObjectArgs, PutObjectResult> = {
  name: 'putObject',
  *run(tx, args, context) {
    const change = yield* changeVolume(tx, args.volume, context);
    const target = yield* findTarget(change, args.key);
    checkWritePrecondition(args.precondition, target.object && etagOf(target.object));
    return yield* publishObject(change, target, {
      ...args,
      sizeBytes: args.body.lengthBytes,
      // biome-ignore lint/correctness/useYield: linking staged bytes reads nothing.
      body: function* (inode) {
        return publishBody(change, inode, args.body);
      },
    });
  },
};
