/** What the README tells users of the command is what the command does. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { EXIT_CODE_MEANINGS } from '../src/exitCodes.ts';
import { SETTINGS } from '../src/settings/settings.ts';
import { facet } from './facetProcess.ts';

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');

const rows = readme
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')));

test('it begins with the two commands', () => {
  expect(readme).toMatch(/^# Facet\n\n {4}npm ci\n {4}npm start\n/);
});

describe('flags', () => {
  test.each(Object.values(SETTINGS))('$flag', (setting) => {
    const row = rows.find((cells) => cells[1] === `${setting.flag} ${setting.argument}`);
    expect(row?.[2]).toBe(setting.variable);
    if ('default' in setting) expect(row?.[3]).toBe(setting.default);
  });

  test('none that the command does not know', async () => {
    const helps = [await facet(['serve', '--help']), await facet(['export', 'set', '--help'])];
    const stdout = helps.map((help) => help.stdout).join('\n');
    const flags = rows.flatMap((cells) =>
      (cells[1] ?? '')
        .split(', ')
        .flatMap((flag) => (/^--[a-z]/.test(flag) ? [flag.split(' ')[0] ?? ''] : [])),
    );
    expect(flags.length).toBeGreaterThan(Object.keys(SETTINGS).length);
    for (const flag of flags) expect(stdout).toContain(flag);
  });

  test('the names of settings in a file', () => {
    for (const name of Object.keys(SETTINGS)) expect(readme).toContain(`\`${name}\``);
  });
});

test.each(Object.entries(EXIT_CODE_MEANINGS))('exit code %s', (code, meaning) => {
  expect(rows.find((cells) => cells[1] === code)?.[2]).toBe(meaning);
});

describe('commands', () => {
  const words = Array.from(
    readme.matchAll(/npx facet ((?:(?:volume|export|key|account) )?[a-z]+)/g),
    (match) => match[1] ?? '',
  );

  test('all of them are there', () => {
    expect(new Set(words)).toEqual(
      new Set(
        ['serve', 'fsck', 'scrub', 'backup', 'restore', 'compact'].concat(
          ['create', 'list', 'show', 'set', 'delete'].map((name) => `volume ${name}`),
          ['create', 'list', 'delete'].map((name) => `key ${name}`),
          ['list', 'show', 'set'].map((name) => `export ${name}`),
          ['list', 'show', 'delete'].map((name) => `account ${name}`),
        ),
      ),
    );
  });

  test.each([...new Set(words)])('%s', async (command) => {
    expect((await facet([...command.split(' '), '--help'])).stdout).toMatch(
      new RegExp(`^Usage: facet ${command} `),
    );
  });
});
