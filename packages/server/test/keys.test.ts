/** Access keys that are refused, the root account's own, and the accounts that keys make. */

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { accountReport, newKeyReport } from '../src/administration/contract.ts';
import { facet, facetJson, madeCredentials, serve, stop, temporaryDirectory } from './facetProcess.ts';
import { presign } from './presign.ts';

const SECRETS = ['hunter2', 'hunter hunter2', 'x'.repeat(129), 'hünterhunter'];
const RULE = '8 to 128 visible ASCII characters';

describe.each(['a running server', 'no server'])('with %s', (kind) => {
  async function storeAtRestOrServed() {
    const data = temporaryDirectory();
    const server = await serve({ data });
    if (kind === 'no server') await stop(server);
    return { data, server, root: madeCredentials(server) };
  }

  test('a refused secret is not repeated, the rule is', async () => {
    const { data } = await storeAtRestOrServed();
    for (const secret of SECRETS) {
      const words = ['key', 'create', '--account', 'a', '--secret-key', secret, '--data', data];
      for (const end of [await facet(words), await facet([...words, '--json'])]) {
        expect(end).toMatchObject({ code: 2, stdout: '' });
        expect(end.stderr).not.toContain(secret);
        expect(end.stderr).toContain(RULE);
      }
    }
    expect((await facet(['key', 'create', '--help'])).stdout.replace(/\s+/g, ' ')).toContain(RULE);
  });

  test('the root key is deleted only when the file that would bring it back is gone', async () => {
    const { data, server, root } = await storeAtRestOrServed();
    const file = join(data, 'root-credentials.json');
    const words = ['key', 'delete', root.accessKeyId, '--data', data];
    const refused = await facet(words);
    expect(refused).toMatchObject({ code: 4, stdout: '' });
    expect(refused.stderr).toContain(`remove ${file} first`);
    expect(existsSync(file)).toBe(true);

    rmSync(file);
    expect((await facet(words)).code).toBe(0);
    if (kind === 'a running server') await stop(server);
    const again = await serve({ data });
    expect(madeCredentials(again).accessKeyId).not.toBe(root.accessKeyId);
    const asked = (as: typeof root) => fetch(presign('GET', `${again.serving.s3.url}/`, as));
    expect((await asked(root)).status).toBe(403);
    expect((await asked(madeCredentials(again))).status).toBe(200);
  });

  test('an account keeps its name, and is not called otherwise in passing', async () => {
    const { data } = await storeAtRestOrServed();
    const create = ['key', 'create', '--account', 'alice', '--data', data];
    const named = ['--display-name', 'Alice A.'];
    await facetJson(newKeyReport, [...create, ...named]);
    expect((await facetJson(newKeyReport, [...create, ...named])).displayName).toBe('Alice A.');
    expect((await facetJson(newKeyReport, create)).displayName).toBe('Alice A.');
    for (const [flags, told] of [
      [['--display-name', 'Mallory'], "its display name is 'Alice A.'"],
      [['--email', 'a@example.com'], 'it has no e-mail address'],
    ] as const) {
      const refused = await facet([...create, ...flags]);
      expect(refused).toMatchObject({ code: 4, stdout: '' });
      expect(refused.stderr).toContain(told);
    }

    await facet(['key', 'create', '--account', 'bob', '--email', 'bob@example.com', '--data', data]);
    const { accounts } = await facetJson(z.strictObject({ accounts: z.array(accountReport.strict()) }), [
      ...['account', 'list', '--data', data],
    ]);
    expect(accounts).toMatchObject([
      { name: 'alice', displayName: 'Alice A.', keys: 3 },
      { name: 'bob', displayName: 'bob', email: 'bob@example.com', keys: 1 },
      { name: 'root', displayName: 'root', keys: 1 },
    ]);
    expect((await facet(['account', 'list', '--data', data])).stdout).toMatch(
      /^ACCOUNT +DISPLAY NAME +E-MAIL +KEYS +CREATED\nalice +Alice A\. +3 +20/,
    );
  });
});

test.each([
  ['FACET_ROOT_SECRET_KEY', { FACET_ROOT_ACCESS_KEY: 'GOODKEY', FACET_ROOT_SECRET_KEY: 'hunter2' }],
  ['FACET_ROOT_ACCESS_KEY', { FACET_ROOT_ACCESS_KEY: 'no key', FACET_ROOT_SECRET_KEY: 'hunter2hunter2' }],
])('a root key in the environment that is no use (%s) spoils nothing', async (variable, environment) => {
  const data = temporaryDirectory();
  await stop(await serve({ data }));
  const file = join(data, 'root-credentials.json');
  const before = readFileSync(file, 'utf8');
  const ports = ['--s3', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--nfs', '127.0.0.1:0'];
  const end = await facet(['serve', '--data', data, ...ports], { environment });
  expect(end).toMatchObject({ code: 2, stdout: '' });
  expect(end.stderr).toContain(`${variable} must be`);
  expect(end.stderr).not.toContain('hunter2');
  expect(readFileSync(file, 'utf8')).toBe(before);
});
