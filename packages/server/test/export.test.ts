import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { exportReport } from '../src/administration/contract.ts';
import { type Deferral, facet, facetJson, serve, stop, temporaryDirectory } from './facetProcess.ts';

const strictReport = exportReport.strict();
const kinds = ['a running server', 'no server'] as const;

describe.each(kinds)('exports with %s', (kind) => {
  const leftovers: (() => void)[] = [];
  let store: readonly string[];

  beforeAll(async () => {
    const defer: Deferral = (work) => leftovers.unshift(work);
    const data = temporaryDirectory(defer);
    const running = await serve({ data, defer });
    if (kind === 'no server') await stop(running);
    store = ['--data', data];
    for (const name of ['photos', 'other']) await facet(['volume', 'create', name, ...store], { defer });
  });
  afterAll(() => {
    for (const work of leftovers) work();
  });

  const set = (...words: string[]) =>
    facetJson(strictReport, ['export', 'set', 'photos', ...words, ...store]);
  const show = () => facetJson(strictReport, ['export', 'show', 'photos', ...store]);

  test('are the defaults, then what was set, and what is not given stays', async () => {
    const defaults = await show();
    expect(defaults).toEqual({
      name: 'photos',
      path: '/photos',
      clients: ['127.0.0.0/8', '::1/128'],
      readOnly: false,
      squash: 'root',
      anonymousUid: 65534,
      anonymousGid: 65534,
      anonymousIsOwner: true,
      securePorts: false,
      owner: { uid: 65534, gid: 65534 },
      directoryMode: '0777',
      fileMode: '0666',
    });
    const first = await set('--clients', '10.0.0.0/8,192.168.1.7,::1', '--read-only', '--secure-ports');
    const changed = {
      clients: ['10.0.0.0/8', '192.168.1.7/32', '::1/128'],
      readOnly: true,
      securePorts: true,
    };
    expect(first).toEqual({ ...defaults, ...changed });
    const second = await set(
      '--squash',
      'all',
      '--owner',
      '1000:100',
      '--file-mode',
      '640',
      '--read-write',
      '--any-port',
    );
    expect(second).toEqual({
      ...first,
      readOnly: false,
      securePorts: false,
      squash: 'all',
      owner: { uid: 1000, gid: 100 },
      anonymousUid: 1000,
      anonymousGid: 100,
      fileMode: '0640',
    });
    expect(await set('--anonymous', '7:8', '--directory-mode', '2750')).toEqual({
      ...second,
      anonymousUid: 7,
      anonymousGid: 8,
      anonymousIsOwner: false,
      directoryMode: '2750',
    });
    const shown = await facet(['export', 'show', 'photos', ...store]);
    expect(shown.stdout).toMatch(/^path +\/photos\nclients +10\.0\.0\.0\/8,192\.168\.1\.7\/32,::1\/128\n/);
    expect(shown.stdout).toContain('all: everybody becomes 7:8');
    const followed = await set('--anonymous', 'owner', '--owner', '1001:101');
    expect(followed).toMatchObject({ anonymousUid: 1001, anonymousGid: 101, anonymousIsOwner: true });
    expect((await facet(['export', 'show', 'photos', ...store])).stdout).toContain(
      'all: everybody becomes 1001:101, the owner\n',
    );
    await set('--squash', 'none');
    expect((await facet(['export', 'show', 'photos', ...store])).stdout).toContain(
      'none: users are who they say they are, and who says nothing is 1001:101, the owner\n',
    );
    await set('--clients', 'nobody', '--owner', '1000:100', '--squash', 'all');
    const listed = await facet(['export', 'list', ...store]);
    expect(listed.stdout).toMatch(
      /^PATH .*\n\/other +127.*\n\/photos +nobody +read and write +all +1000:100\n$/,
    );
    const { exports } = await facetJson(z.strictObject({ exports: z.array(strictReport) }), [
      'export',
      'list',
      ...store,
    ]);
    expect(exports.map(({ name }) => name)).toEqual(['other', 'photos']);
  });

  test('of volumes that do not exist are not found', async () => {
    expect((await facet(['export', 'show', 'ghost', ...store])).code).toBe(3);
    expect((await facet(['export', 'set', 'ghost', '--read-only', ...store])).code).toBe(3);
  });
});

describe('what is refused', () => {
  const leftovers: (() => void)[] = [];
  let data: string;
  let store: readonly string[];

  beforeAll(async () => {
    const defer: Deferral = (work) => leftovers.unshift(work);
    data = temporaryDirectory(defer);
    await serve({ data, defer });
    store = ['--data', data];
    await facet(['volume', 'create', 'photos', ...store], { defer });
  });
  afterAll(() => {
    for (const work of leftovers) work();
  });

  test.each([
    ['nothing', [], 'nothing to set'],
    ['no network at all', ['--clients', ''], 'nobody lets nobody mount'],
    ['nobody among others', ['--clients', 'nobody,::1'], '\\"nobody\\" is no network'],
    ['no network', ['--clients', 'everybody'], '\\"everybody\\" is no network'],
    ['a network too narrow', ['--clients', '10.0.0.0/33'], 'is no network'],
    ['another squash', ['--squash', 'some'], 'Allowed choices are none, root, all'],
    ['half an owner', ['--owner', '1000'], 'must be UID:GID'],
    ['an owner too great', ['--owner', '4294967296:0'], 'must be UID:GID'],
    ['a decimal mode', ['--file-mode', '888'], 'must be a mode in octal'],
    ['set-uid programs', ['--file-mode', '4755'], 'no set-uid bit'],
    ['set-gid programs', ['--file-mode', '2755'], 'no set-gid bit'],
    ['set-uid directories', ['--directory-mode', '4755'], 'no set-uid bit'],
    ['both ways', ['--read-only', '--read-write'], 'cannot be used with'],
  ])('%s', async (_what, words, message) => {
    const end = await facet(['export', 'set', 'photos', ...words, ...store, '--json']);
    expect(end.code).toBe(2);
    expect(end.stderr).toContain(message);
  });

  test('by the admin API, with all that was asked for beside it', async () => {
    const { url, token } = JSON.parse(readFileSync(join(data, 'admin.json'), 'utf8'));
    const before = await facetJson(strictReport, ['export', 'show', 'photos', ...store]);
    const answer = await fetch(new URL('/v1/exports/photos', url), {
      method: 'PATCH',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ readOnly: true, squash: 'none', fileMode: '4755' }),
    });
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: { code: 'Invalid' } }]);
    expect(await facetJson(strictReport, ['export', 'show', 'photos', ...store])).toEqual(before);
  });
});
