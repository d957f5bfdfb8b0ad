/**
 * Repairs a store that nobody serves. What is set aside lies in `quarantine/`, beside a log of everything that was done
 * and of what is left, a line of JSON each.
 */

import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
} from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type RepairParts, type RepairReport, repair, systemEnvironment } from '@facet/core';
import { LocalExtentStore, NodeDisk, strayFiles } from '@facet/extents';
import { fromCore } from '../coreFailure.ts';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { errorCode, syncDirectory } from './directory.ts';
import type { StoreLayout } from './layout.ts';
import { type MetadataWatcher, openMetadata } from './metadata.ts';
import { diskReserve } from './reserve.ts';

export interface RepairOptions
  extends Pick<RepairParts, 'full' | 'dryRun' | 'onFinding' | 'onRepaired' | 'onProgress'>,
    Pick<MetadataWatcher, 'onRemadeFreeList'> {
  /** Its lock is held by the caller. */
  readonly layout: StoreLayout;
}

/** @throws CommandFailure UnusableDirectory (1), those of {@link openMetadata}, and for the core's errors; EngineError, ExtentError */
export async function repairStore({
  layout,
  onRemadeFreeList,
  ...options
}: RepairOptions): Promise<RepairReport> {
  mustBeDirectory(layout.quarantine);
  const { engine } = await openMetadata(layout, {
    pageCheckMsMax: Number.POSITIVE_INFINITY,
    ...(onRemadeFreeList && { onRemadeFreeList }),
  });
  if (options.dryRun !== true) await haveRoomForLog(layout);
  const disk = new NodeDisk(layout.extents);
  const extents = new LocalExtentStore({
    disk,
    lease: () => Promise.reject(new Error('a repair writes no extents')),
  });
  const log = options.dryRun === true ? undefined : new RepairLog(layout.quarantine);
  try {
    return await repair({
      ...options,
      engine,
      extents,
      environment: systemEnvironment(),
      onRepaired: (repaired) => {
        log?.write({ repaired: repaired.doing, ...repaired.finding });
        options.onRepaired(repaired);
      },
      onFinding: (finding) => {
        log?.write({ left: true, ...finding });
        options.onFinding(finding);
      },
      strays: () => strayFiles(disk),
      setAside: async (path) => setAside(layout, path),
    });
  } catch (error) {
    throw fromCore(error);
  } finally {
    log?.close();
    await extents.close();
    await engine.close();
  }
}

/** By a rename, so that it is in one of the two places whenever this ends. @returns why it can not be moved */
function setAside(layout: StoreLayout, path: string): string | undefined {
  const from = join(layout.extents, path);
  makeQuarantine(layout.quarantine);
  try {
    renameSync(from, freeName(join(layout.quarantine, path.replaceAll('/', '-'))));
  } catch (error) {
    if (errorCode(error) === undefined || !(error instanceof Error)) throw error;
    return `it could not be moved to ${layout.quarantine}, so move it by hand (${error.message})`;
  }
  syncDirectory(layout.quarantine);
  syncDirectory(dirname(from));
  return undefined;
}

/** What an earlier repair set aside is not replaced. */
function freeName(wanted: string): string {
  const isTaken = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  let name = wanted;
  for (let more = 2; isTaken(name); more += 1) name = `${wanted}.${more}`;
  return name;
}

/** Written as things are done: what a repair that was killed did is in it, but for the last. */
class RepairLog {
  readonly #folder: string;
  #descriptor: number | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws CommandFailure UnusableDirectory */
  write(line: object): void {
    try {
      this.#write(`${JSON.stringify({ time: new Date().toISOString(), ...line })}\n`);
    } catch (error) {
      throw unusableQuarantine(this.#folder, error);
    }
  }

  #write(line: string): void {
    if (this.#descriptor === undefined) {
      makeQuarantine(this.#folder);
      this.#descriptor = openSync(join(this.#folder, 'repairs.jsonl'), 'a', 0o600);
    }
    // A full disk takes the first bytes without a word: this one writes until all are there, or it fails.
    appendFileSync(this.#descriptor, line);
  }

  close(): void {
    if (this.#descriptor === undefined) return;
    fsyncSync(this.#descriptor);
    closeSync(this.#descriptor);
  }
}

/** What is in the way may be anybody's. @throws CommandFailure UnusableDirectory */
function mustBeDirectory(folder: string): void {
  const status = statSync(folder, { throwIfNoEntry: false });
  if (status === undefined || status.isDirectory()) return;
  throw new CommandFailure({
    exitCode: EXIT.failed,
    code: 'UnusableDirectory',
    message: `${folder} is no directory, and what a repair sets aside is to go there: move it away`,
  });
}

function unusableQuarantine(folder: string, error: unknown): unknown {
  if (errorCode(error) === undefined || !(error instanceof Error)) return error;
  return new CommandFailure({
    exitCode: EXIT.failed,
    code: 'UnusableDirectory',
    message: `the repair ended, since its log in ${folder} can not be written (${error.message}). What it did is done: mend that, and run it again`,
  });
}

const LOG_BYTES = 1 << 20;

/** On a full disk what is held back serves; the next start takes it again. */
async function haveRoomForLog(layout: StoreLayout): Promise<void> {
  const { bavail, bsize } = await statfs(layout.directory);
  if (bavail * bsize < LOG_BYTES) await (await diskReserve(layout)).release();
}

function makeQuarantine(folder: string): void {
  if (existsSync(folder)) return;
  mkdirSync(folder, { mode: 0o700 });
  syncDirectory(dirname(folder));
}
