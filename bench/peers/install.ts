/**
 * Programs of peers, built once from their Go modules at pinned versions into a folder outside the repository, by
 * `go` as it is set up on the machine.
 */

import { execFile } from 'node:child_process';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const BUILD_MS_MAX = 1_800_000;
const TOLD_CHARACTERS_MAX = 200;

export interface GoProgram {
  readonly name: string;
  readonly module: string;
  readonly version: string;
  /** The package of the command, below the module; absent: the module itself. */
  readonly command?: string;
  /** What the module's own go.mod replaces: another's build has to say so again. */
  readonly replaced?: readonly string[];
}

/** A peer that this machine cannot have. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

const folderOf = ({ name, version }: GoProgram): string =>
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'facet-bench', `${name}-${version}`);

/** Where it is once it is installed. */
export const pathOf = (program: GoProgram): string => join(folderOf(program), program.name);

/** Once: one that is there is left as it is. @throws Unavailable with what go said */
export async function installGoProgram(program: GoProgram, tell: (line: string) => void): Promise<void> {
  const { module, version, command, replaced = [] } = program;
  const isThere = await access(pathOf(program)).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  const folder = folderOf(program);
  tell(`building ${module} ${version} into ${folder}: this takes minutes, once`);
  await mkdir(folder, { recursive: true });
  const go = (...words: string[]) =>
    run('go', words, { cwd: folder, timeout: BUILD_MS_MAX, maxBuffer: 1 << 26 });
  const replace = replaced.map((one) => `replace ${one}\n`).join('');
  await writeFile(join(folder, 'go.mod'), `module facetbench\n\n${replace}`);
  const built = command === undefined ? module : `${module}/${command}`;
  try {
    await go('get', `${built}@${version}`);
    await go('build', '-o', pathOf(program), built);
  } catch (error) {
    throw new Unavailable(`${module} ${version} cannot be built: ${lastWords(error)}`);
  }
}

/** Without addresses: where a machine gets its modules from is its own affair. */
function lastWords(error: unknown): string {
  const said = String(Object(error).stderr || Object(error).message).trim();
  const line =
    said
      .replaceAll(/https?:\/\/\S+/g, '…')
      .split('\n')
      .at(-1) ?? '';
  return line.trim().slice(0, TOLD_CHARACTERS_MAX);
}
