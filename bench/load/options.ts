/** What a benchmark was asked for on its command line. */

import { readFileSync } from 'node:fs';
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';

const USAGE_ERROR = 2;
/** The comment that a program opens with. */
const OPENING = /^\/\*\*\n(.*?)\n \*\/$/ms;

interface Config<T extends ParseArgsOptionsConfig> {
  readonly options: T;
}

/**
 * The values of options. With `--help` the program's opening comment, which says what they are, is printed in place of
 * doing anything; what is no option ends it with exit code 2.
 */
export function optionsOf<const T extends ParseArgsOptionsConfig>(
  program: Pick<ImportMeta, 'filename'>,
  options: T,
): ReturnType<typeof parseArgs<Config<T>>>['values'] {
  if (process.argv.slice(2).includes('--help')) {
    process.stdout.write(`${descriptionOf(program.filename)}\n`);
    process.exit(0);
  }
  try {
    return parseArgs<Config<T>>({ options }).values;
  } catch (error) {
    wrongUsage((error as Error).message);
  }
}

export function wrongUsage(message: string): never {
  process.stderr.write(`${message}\nWith --help they are explained.\n`);
  process.exit(USAGE_ERROR);
}

function descriptionOf(file: string): string {
  const [, comment = ''] = OPENING.exec(readFileSync(file, 'utf8')) ?? [];
  return comment.replaceAll(/^ \*( |$)/gm, '');
}
