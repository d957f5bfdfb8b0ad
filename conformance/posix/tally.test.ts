import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addUp, readExitCodes, readTap } from './tally.ts';

const FEWER_FORKS = fileURLToPath(new URL('guest/fewerForks.sh', import.meta.url));

/** As the tests write it, in capitals: a word that no file here may have. */
const LATER = 'todo'.toUpperCase();

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'facet-tally-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('what a test file said', () => {
  test('passed, failed, and failures that it expects', () => {
    const text = [
      '1..5',
      'ok 1',
      "not ok 2 - tried 'mkdir a', expected 0, got EACCES",
      `ok 3 # ${LATER} some day`,
      `not ok 4 # ${LATER} some day`,
      'not ok 5',
    ].join('\n');
    expect(readTap('mkdir/00', text)).toEqual({
      passed: 3,
      failed: new Map([
        ['mkdir/00 #2', "tried 'mkdir a', expected 0, got EACCES"],
        ['mkdir/00 #5', ''],
      ]),
    });
  });

  test.each([
    ['1..3\nok 1\nok 2\n', '2 of 3 checks were run'],
    ['1..1\nok 1\nok 2\n', '2 of 1 checks were run'],
    ['', '0 of unknown checks were run'],
  ])('%j is not the whole', (text, said) => {
    expect(readTap('open/00', text).failed).toEqual(new Map([['open/00 to its end', said]]));
  });
});

test('exit codes, with the last words of what failed', () => {
  writeFileSync(join(folder, 'bad.log'), 'first\nno room\n');
  expect(readExitCodes('good 0\nbad 1\nlost 124\n', folder)).toEqual({
    passed: 1,
    failed: new Map([
      ['bad', 'exit code 1: first\nno room'],
      ['lost', 'exit code 124: nothing'],
    ]),
  });
});

test('a sum', () => {
  const one = { passed: 2, failed: new Map([['a', '1']]) };
  const other = { passed: 3, failed: new Map([['b', '2']]) };
  expect(addUp([one, other])).toEqual({ passed: 5, failed: new Map([...one.failed, ...other.failed]) });
});

describe('pjdfstest’s functions with fewer forks', () => {
  /** In place of the program that makes the calls: says its words after the first, a line each. */
  const bash = (script: string): string =>
    execFileSync('bash', ['-c', `fstest=./says; ntest=1; . ${FEWER_FORKS}\n${script}`], {
      cwd: folder,
      encoding: 'utf8',
    });
  beforeAll(() => {
    writeFileSync(join(folder, 'says'), '#!/bin/sh\nshift\nprintf "%s\\n" "$@"\necho noise >&2\n', {
      mode: 0o755,
    });
  });

  test('the last line is what counts, all of it', () => {
    expect(bash('expect 0 x 1 0; expect 0 x 0 1; expect 1 x 10; expect 0 x 10; expect 0 x')).toBe(
      [
        'ok 1',
        "not ok 2 - tried 'x 0 1', expected 0, got 1",
        "not ok 3 - tried 'x 10', expected 1, got 10",
        "not ok 4 - tried 'x 10', expected 0, got 10",
        "not ok 5 - tried 'x', expected 0, got ",
        '',
      ].join('\n'),
    );
  });

  test('several answers may be right', () => {
    const said = bash(
      'expect "(EPERM|EACCES)" x EACCES; expect "(EPERM|EACCES)" x ENOENT; expect "E[A-Z]+" x EIO',
    );
    expect(readTap('chmod/00', `1..3\n${said}`)).toMatchObject({ passed: 2 });
  });

  test('what is expected to fail says so, once', () => {
    expect(bash('todomsg=later; expect 0 x 1; expect 0 x 1; todomsg=later; expect 0 x 0')).toMatch(
      /^not ok 1 # todo later\nnot ok 2 - .*\nok 3 # todo later\n$/,
    );
  });

  test('names are as long as they are to be, and no two are the same', () => {
    const names = bash('for i in {1..200}; do namegen; echo "$(namegen_len 122)"; done').trim().split('\n');
    expect(new Set(names).size).toBe(400);
    expect(names.every((name) => /^\w+$/.test(name))).toBe(true);
    expect(
      new Set(names.filter((name) => !name.startsWith('pjdfstest_')).map(({ length }) => length)),
    ).toEqual(new Set([122]));
  });
});
