import { describe, expect, test } from 'vitest';
import { SETTINGS } from '../../src/settings/settings.ts';
import { facet } from '../facetProcess.ts';
import { errorShape } from './store.ts';

describe('the command line itself', () => {
  test.each<[string, readonly string[], RegExp]>([
    ['an unknown command', ['fly'], /unknown command 'fly'/],
    ['help of an unknown command', ['help', 'fly'], /unknown command 'fly'/],
    ['help of an unknown command of a group', ['help', 'volume', 'fly'], /unknown command 'volume fly'/],
    ['help of more than a command', ['help', 'volume', 'list', 'x'], /unknown command 'volume list x'/],
    ['an unknown flag', ['volume', 'list', '--wings'], /unknown option '--wings'/],
    ['a missing argument', ['volume', 'create'], /missing required argument 'NAME'/],
    ['a missing flag', ['key', 'create'], /required option '--account <ACCOUNT>' not specified/],
    ['an argument too many', ['volume', 'list', 'x'], /too many arguments/],
    ['a group alone', ['volume'], /a command is missing/],
    ['nothing', [], /a command is missing/],
  ])('%s is exit code 2', async (_name, words, message) => {
    const end = await facet(words);
    expect(end).toMatchObject({ code: 2, stdout: '' });
    expect(end.stderr).toMatch(message);
  });

  test('usage errors are JSON too when asked for', async () => {
    const end = await facet(['fly', '--json']);
    expect(errorShape.parse(JSON.parse(end.stderr)).error).toMatchObject({ code: 'Usage', exitCode: 2 });
  });

  test.each(
    [
      [],
      ['serve'],
      ['volume'],
      ['volume', 'create'],
      ['volume', 'list'],
      ['volume', 'show'],
      ['volume', 'set'],
      ['volume', 'delete'],
      ['key'],
      ['key', 'create'],
      ['key', 'list'],
      ['key', 'delete'],
      ['account'],
      ['account', 'list'],
      ['account', 'show'],
      ['account', 'delete'],
      ['fsck'],
    ].map((words) => [words.join(' '), words] as const),
  )("'%s --help' explains itself", async (_name, words) => {
    const end = await facet([...words, '--help']);
    expect(end).toMatchObject({ code: 0, stderr: '' });
    expect(end.stdout).toMatch(new RegExp(`^Usage: facet ${words.join(' ')}`));
    const isGroup = words.length === 0 || (words.length === 1 && words[0] !== 'serve' && words[0] !== 'fsck');
    if (!isGroup) expect(end.stdout).toContain('--json');
  });

  test("'facet --help' tells the exit codes, 'facet serve --help' every flag", async () => {
    expect((await facet(['--help'])).stdout).toMatch(/5 {2}the store, .* is in use/);
    const { stdout } = await facet(['serve', '--help']);
    for (const { flag, variable } of Object.values(SETTINGS)) {
      expect(stdout).toContain(flag);
      expect(stdout).toContain(variable);
    }
  });

  test('--version', async () => {
    expect((await facet(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
