/** Programs out of Debian's packages, unpacked into a folder: nothing of the host is changed. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandFailed, runCommand } from '../runner/command.ts';
import { Skip, type Stage } from '../runner/suite.ts';

const FETCH_MS_MAX = 180_000;

export interface Unpacked {
  /** The path of a program that a package holds. */
  program(name: string): string;
  /** With this in it the programs find the libraries that came with them. */
  readonly environment: Readonly<Record<string, string>>;
}

/** @throws Skip when the packages cannot be had */
export async function unpackDebian(
  stage: Stage,
  name: string,
  packages: readonly string[],
): Promise<Unpacked> {
  const folder = join(stage.cache, name);
  const done = join(folder, 'installed');
  if (!existsSync(done)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    try {
      await runCommand('apt-get', ['download', ...packages], { cwd: folder, timeoutMs: FETCH_MS_MAX });
      for (const file of readdirSync(folder).filter((found) => found.endsWith('.deb'))) {
        await runCommand('dpkg-deb', ['--extract', join(folder, file), folder], { timeoutMs: FETCH_MS_MAX });
      }
    } catch (error) {
      if (error instanceof CommandFailed) throw new Skip(`${name} cannot be had: ${error.message}`);
      throw error;
    }
    writeFileSync(done, '');
  }
  const libraries = readdirSync(join(folder, 'usr/lib')).map((below) => join(folder, 'usr/lib', below));
  return {
    program: (wanted) => join(folder, 'usr/bin', wanted),
    environment: { LD_LIBRARY_PATH: libraries.join(':') },
  };
}
