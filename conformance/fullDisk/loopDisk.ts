/** A small ext4 of its own, in a file: a file system that keeps blocks for itself, and outlives a killed server. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandFailed, runCommand } from '../runner/command.ts';
import { Skip } from '../runner/suite.ts';

const COMMAND_MS_MAX = 60_000;

export interface LoopDisk {
  readonly path: string;
  unmount(): Promise<void>;
}

/** @throws Skip where nobody may mount one */
export async function mountLoopDisk(
  scratch: string,
  { megabytes }: { readonly megabytes: number },
): Promise<LoopDisk> {
  if (process.getuid?.() !== 0) throw new Skip('only root mounts a file system in a file');
  const image = join(scratch, 'full-disk.img');
  const path = join(scratch, 'full-disk');
  mkdirSync(path);
  const run = (program: string, ...words: readonly string[]) =>
    runCommand(program, words, { timeoutMs: COMMAND_MS_MAX });
  await run('truncate', '-s', `${megabytes}M`, image);
  await run('mkfs.ext4', '-q', '-F', image);
  try {
    await run('mount', '-o', 'loop', image, path);
  } catch (error) {
    throw new Skip(`this machine mounts no file system in a file: ${(error as CommandFailed).message}`);
  }
  return {
    path,
    unmount: async () => {
      await run('umount', path);
      rmSync(image);
    },
  };
}
