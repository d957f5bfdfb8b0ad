/** The project as the tidy rules see it: every tracked or new file that git does not ignore, with its text. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface ProjectFile {
  /** From the project's root, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** A rule looks at all files and says what is wrong, one sentence an offence. */
export type Rule = (files: readonly ProjectFile[]) => readonly string[];

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TEXT_FILES = /\.(?:ts|js|mjs|json|md|py|sh|svg)$|(?:^|\/)(?:run|facet|LICENSE)$/;

export function readProject(): readonly ProjectFile[] {
  const listing = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  return listing
    .split('\0')
    .filter((path) => TEXT_FILES.test(path) && path !== 'package-lock.json' && existsSync(join(ROOT, path)))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}
