import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { KernelClient } from '../nfs/kernelClient.ts';
import type { Objects } from '../nfs/objects.ts';
import type { TwoDoors } from '../nfs/server.ts';
import type { CommandResult } from '../runner/command.ts';
import type { Caller } from '../wire/send.ts';

/** One volume through both doors. The mount remembers nothing: each answer is the server's. */
export interface World {
  readonly server: TwoDoors;
  readonly mount: KernelClient;
  readonly objects: Objects;
  readonly caller: Caller;
  readonly volume: string;
  readonly large: boolean;
  /** aws-cli, with the caller's key. */
  aws(...words: readonly string[]): Promise<CommandResult>;
  /** A `facet` command on the server's store. */
  facet(...words: readonly string[]): Promise<void>;
  tell(line: string): void;
}

/** A word of the shell. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Runs Python in the mount: steps that must follow each other at once are one program. */
export function runPython({ mount }: World, lines: readonly string[], secondsMax?: number): Promise<string> {
  return mount.run(`/usr/bin/python3 -c ${quoted(lines.join('\n'))}`, secondsMax);
}

const APPEARS_MS_MAX = 120_000;
const LOOK_EVERY_MS = 10;

/** Waits for a file that a program in the guest makes to say how far it is. @throws what the program fails with */
export async function fileAppears(path: string, program: Promise<unknown>): Promise<void> {
  const appears = (async () => {
    const deadline = performance.now() + APPEARS_MS_MAX;
    while (!existsSync(path)) {
      if (performance.now() > deadline) throw new Error(`${path} did not appear`);
      await pause(LOOK_EVERY_MS);
    }
  })();
  const ended = program.then(() => {
    if (!existsSync(path)) throw new Error(`the program ended without ${path}`);
  });
  await Promise.race([appears, ended]);
}
