/**
 * Repairs a store that nobody serves. What is set aside lies in `quarantine/`, beside a log of everything that was done
 * and of what is left, a line of JSON each.
 */

import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type RepairParts, type RepairReport, repair, systemEnvironment } from '@facet/core';
import { containerName, LocalExtentStore, NodeDisk } from '@facet/extents';
import { syncDirectory } from './directory.ts';
import type { StoreLayout } from './layout.ts';
import { openMetadata } from './metadata.ts';

export interface RepairOptions extends Pick<RepairParts, 'full' | 'dryRun' | 'onFinding' | 'onRepaired'> {
  /** Its lock is held by the caller. */
  readonly layout: StoreLayout;
}

export async function repairStore({ layout, ...options }: RepairOptions): Promise<RepairReport> {
  const { engine } = await openMetadata(layout, { checksPages: true });
  const extents = new LocalExtentStore({
    disk: new NodeDisk(layout.extents),
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
      setAside: async ({ container, kind }) => setAside(layout, containerName(container, kind)),
    });
  } finally {
    log?.close();
    await extents.close();
    await engine.close();
  }
}

/** By a rename, so that it is in one of the two places whenever this ends. */
function setAside(layout: StoreLayout, name: string): void {
  const from = join(layout.extents, name);
  const to = join(layout.quarantine, name.replaceAll('/', '-'));
  makeQuarantine(layout.quarantine);
  if (existsSync(to)) throw new Error(`${to} is there already: move it elsewhere`);
  renameSync(from, to);
  syncDirectory(layout.quarantine);
  syncDirectory(dirname(from));
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
