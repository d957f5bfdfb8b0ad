/**
 * Repairs a store that nobody serves. What is set aside lies in `quarantine/`, beside a log of everything that was done
 * and of what is left, a line of JSON each.
 */

import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type RepairParts, type RepairReport, repair, systemEnvironment } from '@facet/core';
import { LocalExtentStore, NodeDisk, strayFiles } from '@facet/extents';
import { errorCode, syncDirectory } from './directory.ts';
import type { StoreLayout } from './layout.ts';
import { openMetadata } from './metadata.ts';

export interface RepairOptions extends Pick<RepairParts, 'full' | 'dryRun' | 'onFinding' | 'onRepaired'> {
  /** Its lock is held by the caller. */
  readonly layout: StoreLayout;
}

export async function repairStore({ layout, ...options }: RepairOptions): Promise<RepairReport> {
  const { engine } = await openMetadata(layout, { checksPages: true });
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

  write(line: object): void {
    if (this.#descriptor === undefined) {
      makeQuarantine(this.#folder);
      this.#descriptor = openSync(join(this.#folder, 'repairs.jsonl'), 'a', 0o600);
    }
    writeSync(this.#descriptor, `${JSON.stringify({ time: new Date().toISOString(), ...line })}\n`);
  }

  close(): void {
    if (this.#descriptor === undefined) return;
    fsyncSync(this.#descriptor);
    closeSync(this.#descriptor);
  }
}

function makeQuarantine(folder: string): void {
  if (existsSync(folder)) return;
  mkdirSync(folder, { mode: 0o700 });
  syncDirectory(dirname(folder));
}
