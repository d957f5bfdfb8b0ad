/** What the README tells users of the command is what the command does. */

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { EXIT_CODE_MEANINGS } from '../src/exitCodes.ts';
import { SETTINGS } from '../src/settings/settings.ts';
import { facet, madeCredentials, serve, temporaryDirectory } from './facetProcess.ts';
import { put } from './s3.ts';

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

describe('examples', () => {
  /** What is indented below a line that begins so. */
  const exampleBelow = (opening: string): string => {
    const [, below = ''] = readme.split(opening);
    const [block = ''] = /(?:^ {4}.*\n)+/m.exec(below) ?? [];
    return block.replaceAll(/^ {4}/gm, '');
  };

  test('of the JavaScript SDK: by a name that has no subdomains', async () => {
    const server = await serve({ data: temporaryDirectory() });
    const as = madeCredentials(server);
    await put(server, '/demo', { as });
    await put(server, '/demo/hosts', { as, body: 'of the example' });
    // Where the modules of the project are found.
    const script = exampleBelow('In JavaScript (').replace(':9000', `:${server.serving.s3.port}`);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    execFile(
      process.execPath,
      ['--input-type=module', '--eval', script],
      {
        cwd: new URL('../../../', import.meta.url),
        env: {
          ...process.env,
          AWS_ACCESS_KEY_ID: as.accessKeyId,
          AWS_SECRET_ACCESS_KEY: as.secretAccessKey,
        },
      },
      (error, stdout) => (error ? reject(error) : resolve(stdout)),
    );
    expect(await promise).toBe('of the example\n');
  });
});

test('its table of metrics has what /metrics tells, and nothing else', async () => {
  const server = await serve({ data: temporaryDirectory() });
  const exposition = await (await fetch(`${server.serving.admin.url}/metrics`)).text();
  const told = Array.from(exposition.matchAll(/^# TYPE (facet_\S+)/gm), ([, name]) => name);
  const listed = rows.flatMap((cells) =>
    (cells[1] ?? '').split(', ').filter((name) => name.startsWith('facet_')),
  );
  expect(told.toSorted()).toEqual(listed.toSorted());
});
