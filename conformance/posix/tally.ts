/** What running a program on a mount came to, check by check. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Tally {
  readonly passed: number;
  /** By the check's name, which is the same on every server → what it said. */
  readonly failed: ReadonlyMap<string, string>;
}

export function addUp(tallies: readonly Tally[]): Tally {
  return {
    passed: tallies.reduce((sum, { passed }) => sum + passed, 0),
    failed: new Map(tallies.flatMap(({ failed }) => [...failed])),
  };
}

/** No line of a test. */
const PLAN = /^1\.\.(\d+)/;
/** A failure that the test itself expects here says so, and is none. */
const RESULT = /^(not )?ok (\d+)(\s*#\s*todo)?/i;

/**
 * Reads what one test file said. A test that did not come to its end has failed as a whole.
 * @param name of the file, as in `unlink/14`
 * @source Test Anything Protocol, version 12
 */
export function readTap(name: string, text: string): Tally {
  const failed = new Map<string, string>();
  let planned: number | undefined;
  let ran = 0;
  for (const line of text.split('\n')) {
    planned ??= Number(PLAN.exec(line)?.[1] ?? Number.NaN) || undefined;
    const result = RESULT.exec(line);
    if (result === null) continue;
    ran += 1;
    if (result[1] !== undefined && result[3] === undefined) {
      failed.set(`${name} #${result[2]}`, line.slice(result[0].length).replace(/^[\s-]+/, ''));
    }
  }
  const passed = ran - failed.size;
  if (ran !== planned) failed.set(`${name} to its end`, `${ran} of ${planned ?? 'unknown'} checks were run`);
  return { passed, failed };
}

const TOLD_CHARACTERS_MAX = 600;

/** Reads lines of a name and an exit code each. What a program said is in `logs`. */
export function readExitCodes(text: string, logs: string): Tally {
  const failed = new Map<string, string>();
  let passed = 0;
  for (const [, name = '', code] of text.matchAll(/^(\S+) (\d+)$/gm)) {
    if (code === '0') passed += 1;
    else failed.set(name, `exit code ${code}: ${lastWords(join(logs, `${name}.log`))}`);
  }
  return { passed, failed };
}

function lastWords(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').trim().slice(-TOLD_CHARACTERS_MAX) : 'nothing';
}
