/** What people get wrong at first is told in words that help, the same with and without a server. */

import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { newKey } from '../src/administration/contract.ts';
import { explainInvalid } from '../src/invalidInput.ts';
import { facet, serve, stop, temporaryDirectory } from './facetProcess.ts';

const noAccount = (name: string) =>
  `facet: there is no account named '${name}'; 'facet key create' makes accounts\n`;
const accountRule = 'must be 1 to 64 letters, digits and any of - _ . , @ + =';

const ROWS: readonly (readonly [words: readonly string[], code: number, said: string])[] = [
  [['volume', 'create', 'abc', '--owner', 'nobody'], 3, noAccount('nobody')],
  [['volume', 'list', '--owner', 'nobody'], 3, noAccount('nobody')],
  [['key', 'list', '--account', 'no body'], 3, noAccount('no body')],
  [
    ['volume', 'create', ''],
    2,
    "facet: '' is no name for a volume: 3 to 63 lower-case letters, digits, hyphens and dots, as in a bucket's name\n",
  ],
  [['key', 'delete', 'a b'], 3, "facet: there is no access key 'a b'\n"],
  [['key', 'delete', ''], 3, "facet: there is no access key ''\n"],
  [['key', 'create', '--account', 'two words'], 2, `facet: --account ${accountRule}, not 'two words'\n`],
  [['key', 'create', '--account', 'a', '--email', ''], 2, 'facet: --email must not be empty\n'],
  [['volume', 'lst'], 2, "facet: unknown command 'lst' (Did you mean list?) (--help shows the usage)\n"],
];

test('with and without a server', async () => {
  const data = temporaryDirectory();
  const server = await serve({ data });
  const told = async () => {
    const ends = [];
    for (const [words] of ROWS) {
      const { code, stderr } = await facet([...words, ...(words[1] === 'lst' ? [] : ['--data', data])]);
      ends.push([words, code, stderr]);
    }
    return ends;
  };
  expect(await told()).toEqual(ROWS);
  await stop(server);
  expect(await told()).toEqual(ROWS);
});

test.each(['volume set', 'export set', 'serve', 'volume'])('help %s', async (asked) => {
  const words = asked.split(' ');
  const [help, flag] = [await facet(['help', ...words]), await facet([...words, '--help'])];
  expect(help).toEqual(flag);
  expect(help.stdout).toContain(`Usage: facet ${asked} [options]`);
});

test('the rule of account names is in --help', async () => {
  const { stdout } = await facet(['key', 'create', '--help']);
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain(accountRule.replace('must be ', ''));
});

test.each([
  [{}, "'account' is missing"],
  [{ account: 1 }, "'account' must be text in quotes"],
  [{ account: 'a b' }, `'account' ${accountRule}`],
  [{ account: 'a', email: '', more: 1 }, "'email' must not be empty; 'more' is not known"],
  [null, 'the whole of it must be an object, as in { … }'],
])('the admin API says of %j what is wrong', (body, said) => {
  const parsed = newKey.safeParse(body);
  expect(parsed.error && explainInvalid(parsed.error)).toBe(said);
});

test('a secret that is refused is not repeated', () => {
  const secretAccessKey = `${randomBytes(20).toString('hex')} `;
  const parsed = newKey.safeParse({ account: 'a', secretAccessKey });
  expect(parsed.error && explainInvalid(parsed.error)).toBe(
    "'secretAccessKey' must be 8 to 128 visible ASCII characters, no spaces",
  );
});

test.each([
  [z.int().min(0).max(9), -1, 'the whole of it must be at least 0'],
  [z.int().min(0).max(9), 10, 'the whole of it must be at most 9'],
  [z.int(), 1.5, 'the whole of it must be a whole number'],
  [z.boolean(), 'yes', 'the whole of it must be true or false'],
  [z.enum(['on', 'off'], 'must be on or off'), 'yes', 'the whole of it must be on or off'],
])('numbers and choices, too: %#', (schema, value, said) => {
  const parsed = schema.safeParse(value);
  expect(parsed.error && explainInvalid(parsed.error)).toBe(said);
});
