/** The commands that a worker has run: those of the object view and what it stands on. */

import { createAccount, createKey, deleteAccount, deleteKey } from '../accounts/accounts.ts';
import type { Command } from '../commands/command.ts';
import { leaseNumbers } from '../commands/counter.ts';
import { discardExtent } from '../contents/discard.ts';
import { completeUpload } from '../multipart/complete.ts';
import { copyPart, putPart } from '../multipart/parts.ts';
import { abortUpload, createUpload } from '../multipart/uploads.ts';
import { copyObject } from '../objects/copy.ts';
import { deleteObject } from '../objects/delete.ts';
import { putObject } from '../objects/put.ts';
import { setTags } from '../objects/tags.ts';
import { leaseContainers, narrowLease } from '../recovery/leases.ts';
import { repointExtents } from '../space/repoint.ts';
import { setExport } from '../volumes/exports.ts';
import { setSettings } from '../volumes/settings.ts';
import { createVolume, deleteVolume, setVolumeTags } from '../volumes/volumes.ts';

/** What goes in and comes out is known to who asks, in a process of the same build. */
type AnyCommand = Command<never, unknown>;

const COMMANDS: readonly AnyCommand[] = [
  abortUpload,
  completeUpload,
  copyObject,
  copyPart,
  createAccount,
  createKey,
  createUpload,
  createVolume,
  deleteAccount,
  deleteKey,
  deleteObject,
  deleteVolume,
  discardExtent,
  leaseContainers,
  leaseNumbers,
  narrowLease,
  putObject,
  putPart,
  repointExtents,
  setExport,
  setSettings,
  setTags,
  setVolumeTags,
];

export const COMMAND_OF: ReadonlyMap<string, AnyCommand> = new Map(
  COMMANDS.map((command) => [command.name, command]),
);
