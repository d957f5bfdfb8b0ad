/** Volumes, keys and accounts: the same whether a server has the store or none does. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  accountDetails,
  accountReport,
  keyReport,
  listedVolume,
  newKeyReport,
  volumeDetails,
  volumeReport,
} from '../../src/administration/contract.ts';
import { type Deferral, facet, facetJson } from '../facetProcess.ts';
import { errorShape, kinds, storeWith } from './store.ts';

describe.each(kinds)('with %s', (kind) => {
  const leftovers: (() => void)[] = [];
  let store: readonly string[];

  beforeAll(async () => {
    const defer: Deferral = (work) => leftovers.unshift(work);
    store = ['--data', await storeWith(kind, defer)];
    await facet(['volume', 'create', 'taken', ...store], { defer });
    await facet(['key', 'create', '--account', 'a', '--access-key', 'TAKENKEY', ...store], { defer });
  });
  afterAll(() => {
    for (const work of leftovers) work();
  });

  test('volumes are made, listed, shown and deleted', async () => {
    const created = await facetJson(volumeReport.strict(), ['volume', 'create', 'beta', ...store]);
    expect(created).toMatchObject({ name: 'beta', owner: 'root' });
    expect(Math.abs(Date.parse(created.created) - Date.now())).toBeLessThan(60_000);
    expect((await facet(['volume', 'create', 'alpha', ...store])).stdout).toBe(
      'volume alpha created, owned by root\n',
    );

    const { volumes } = await facetJson(z.strictObject({ volumes: z.array(listedVolume.strict()) }), [
      'volume',
      'list',
      ...store,
    ]);
    expect(volumes.map(({ name }) => name)).toEqual(['alpha', 'beta', 'taken']);
    expect(volumes[1]).toEqual({
      ...created,
      usage: { bytes: 0, inodes: 1 },
      quota: { bytes: null, inodes: null },
    });
    expect((await facet(['volume', 'list', ...store])).stdout).toMatch(
      /^NAME +OWNER +SIZE +SIZE-MAX +INODES +INODES-MAX +CREATED\nalpha +root +0 bytes +none +1 +none +20/,
    );

    const details = await facetJson(volumeDetails.strict(), ['volume', 'show', 'beta', ...store]);
    expect(details).toMatchObject({ ...created, usage: { bytes: 0 } });
    expect(details.defaults.fileMode).toMatch(/^0\d{3}$/);
    expect(details.posixMetadata).toBe(false);
    const turn = (whether: string) =>
      facetJson(volumeDetails.strict(), ['volume', 'set', 'beta', '--posix-metadata', whether, ...store]);
    expect(await turn('on')).toEqual({ ...details, posixMetadata: true });
    expect((await facet(['volume', 'show', 'beta', ...store])).stdout).toMatch(
      /\nmetadata {2}S3 tells owners/,
    );
    expect(await turn('off')).toEqual(details);
    const quota = (...words: string[]) =>
      facetJson(volumeDetails.strict(), ['volume', 'set', 'beta', ...words, ...store]);
    expect((await quota('--quota', '500m', '--quota-inodes', '1000')).quota).toEqual({
      bytes: 500 * 2 ** 20,
      inodes: 1000,
    });
    expect((await facet(['volume', 'show', 'beta', ...store])).stdout).toMatch(
      /\nbytes {5}0 of 524288000\ninodes {4}1 of 1000\n/,
    );
    expect((await facet(['volume', 'list', ...store])).stdout).toMatch(
      /\nbeta +root +0 bytes +500 MiB +1 +1000 +20/,
    );
    expect((await quota('--quota', 'none', '--quota-inodes', 'none')).quota).toEqual({
      bytes: null,
      inodes: null,
    });
    expect((await facet(['volume', 'set', 'beta', '--quota', '9999P', ...store])).code).toBe(2);
    expect(await facet(['volume', 'set', 'beta', ...store])).toMatchObject({ code: 2 });
    expect(await facet(['volume', 'set', 'ghost', '--posix-metadata', 'on', ...store])).toMatchObject({
      code: 3,
    });

    expect(await facetJson(volumeReport.strict(), ['volume', 'delete', 'beta', ...store])).toEqual(created);
    const gone = await facet(['volume', 'show', 'beta', ...store]);
    expect(gone).toMatchObject({ code: 3, stdout: '' });
    expect(gone.stderr).toContain("no volume named 'beta'");
  });

  test('keys and their accounts are made, listed and deleted', async () => {
    const given = ['--access-key', 'GIVENKEY', '--secret-key', 'givenSecret'];
    const named = ['--display-name', 'Someone Else', '--email', 'someone@example.com'];
    const created = await facetJson(newKeyReport.strict(), [
      ...['key', 'create', '--account', 'someone', ...given, ...named, ...store],
    ]);
    expect(created).toMatchObject({
      account: 'someone',
      accessKeyId: 'GIVENKEY',
      secretAccessKey: 'givenSecret',
      displayName: 'Someone Else',
      email: 'someone@example.com',
      canonicalId: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const second = await facetJson(newKeyReport.strict(), [
      'key',
      'create',
      '--account',
      'someone',
      ...store,
    ]);
    expect(second.canonicalId).toBe(created.canonicalId);
    expect(second.secretAccessKey.length).toBeGreaterThanOrEqual(30);

    const listed = await facet(['key', 'list', '--account', 'someone', '--json', ...store]);
    const { keys } = z.strictObject({ keys: z.array(keyReport.strict()) }).parse(JSON.parse(listed.stdout));
    expect(keys.map(({ accessKeyId }) => accessKeyId).sort()).toEqual(
      ['GIVENKEY', second.accessKeyId].sort(),
    );

    expect(await facetJson(keyReport.strict(), ['key', 'delete', 'GIVENKEY', ...store])).toMatchObject({
      accessKeyId: 'GIVENKEY',
      account: 'someone',
    });
    expect((await facet(['key', 'delete', 'GIVENKEY', ...store])).code).toBe(3);
  });

  test('accounts are shown, and deleted with their keys once they own nothing', async () => {
    const create = ['key', 'create', '--account', 'leaver', ...store];
    const first = await facetJson(newKeyReport, [...create, '--email', 'leaver@example.com']);
    const second = await facetJson(newKeyReport, create);
    await facet(['volume', 'create', 'leavers', '--owner', 'leaver', ...store]);
    const { accessKeys, ...shown } = await facetJson(accountDetails.strict(), [
      ...['account', 'show', 'leaver', ...store],
    ]);
    expect(shown).toMatchObject({ name: 'leaver', email: 'leaver@example.com', keys: 2, volumes: 1 });
    const ids = [first.accessKeyId, second.accessKeyId].toSorted();
    expect(accessKeys.map(({ accessKeyId }) => accessKeyId).toSorted()).toEqual(ids);
    const told = (await facet(['account', 'show', 'leaver', ...store])).stdout;
    expect(told).toMatch(/^account {7}leaver\n[\s\S]*\nvolumes {7}1\naccess key {4}/);

    const refused = await facet(['account', 'delete', 'leaver', '--json', ...store]);
    expect(refused).toMatchObject({ code: 4, stdout: '' });
    expect(errorShape.parse(JSON.parse(refused.stderr)).error).toMatchObject({
      code: 'AccountNotEmpty',
      message: expect.stringContaining('owns volume leavers'),
    });
    await facet(['volume', 'delete', 'leavers', ...store]);
    const end = await facetJson(accountReport.strict(), ['account', 'delete', 'leaver', ...store]);
    expect(end).toMatchObject({ name: 'leaver', keys: 2 });
    for (const accessKeyId of ids) {
      expect((await facet(['key', 'delete', accessKeyId, ...store])).code).toBe(3);
    }
    // The name is free: who takes it is another one.
    expect((await facetJson(newKeyReport, create)).canonicalId).not.toBe(first.canonicalId);
    expect((await facet(['account', 'delete', 'leaver', ...store])).stdout).toBe(
      'account leaver deleted, and its access keys: 1\n',
    );
  });

  test.each<[string, readonly string[], number, string]>([
    ['a volume that exists', ['volume', 'create', 'taken'], 4, 'VolumeExists'],
    ['a volume that is not there', ['volume', 'delete', 'nowhere'], 3, 'NoSuchVolume'],
    ['a volume for nobody', ['volume', 'create', 'orphan', '--owner', 'nobody'], 3, 'NoSuchAccount'],
    ['a name that no volume may have', ['volume', 'create', 'Not_A_Bucket'], 2, 'Usage'],
    [
      'a key that exists',
      ['key', 'create', '--account', 'b', '--access-key', 'TAKENKEY'],
      4,
      'AccessKeyExists',
    ],
    ['a key that is not there', ['key', 'delete', 'NOSUCHKEY'], 3, 'NoSuchAccessKey'],
    ['keys of nobody', ['key', 'list', '--account', 'nobody'], 3, 'NoSuchAccount'],
    ['an account that is not there', ['account', 'show', 'nobody'], 3, 'NoSuchAccount'],
    ['the end of one that is not there', ['account', 'delete', 'nobody'], 3, 'NoSuchAccount'],
    ['the end of the root account', ['account', 'delete', 'root'], 4, 'RootAccount'],
  ])('%s: told by exit code and, with --json, by code', async (_name, words, exitCode, code) => {
    const end = await facet([...words, '--json', ...store]);
    expect(end).toMatchObject({ code: exitCode, stdout: '' });
    expect(errorShape.parse(JSON.parse(end.stderr)).error).toMatchObject({ code, exitCode });
  });
});
