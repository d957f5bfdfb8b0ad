import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
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
} from '../src/administration/contract.ts';
import { SETTINGS } from '../src/settings/settings.ts';
import { openStoreLock } from '../src/store/lock.ts';
import { type Deferral, facet, facetJson, serve, stop, temporaryDirectory } from './facetProcess.ts';
import { put } from './s3.ts';

const errorShape = z.object({
  error: z.object({ code: z.string(), message: z.string(), exitCode: z.number() }),
});

const kinds = ['a running server', 'no server'] as const;

/** A store with a server on it, or one that a server left. */
async function storeWith(kind: (typeof kinds)[number], defer?: Deferral): Promise<string> {
  const data = temporaryDirectory(defer);
  const running = await serve({ data, ...(defer === undefined ? {} : { defer }) });
  if (kind === 'no server') await stop(running);
  return data;
}

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
      /^NAME +OWNER +BYTES +BYTES-MAX +INODES +INODES-MAX +CREATED\nalpha +root +0 +none +1 +none +20/,
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
      /\nbeta +root +0 +524288000 +1 +1000 +20/,
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

describe('finding the store', () => {
  test('by FACET_DATA and by a configuration file', async () => {
    const data = await storeWith('no server');
    await facet(['volume', 'create', 'found', '--data', data]);
    const byVariable = await facet(['volume', 'list'], { environment: { FACET_DATA: data } });
    expect(byVariable.stdout).toContain('found');
    const config = join(temporaryDirectory(), 'facet.json');
    writeFileSync(config, JSON.stringify({ data }));
    expect((await facet(['volume', 'list', '--config', config])).stdout).toContain('found');
  });

  test.each([['volume', 'list'], ['key', 'create', '--account', 'a'], ['fsck']])(
    'none there is not an invitation to make one: %s',
    async (...words) => {
      const data = temporaryDirectory();
      const end = await facet([...words, '--data', join(data, 'typo')]);
      expect(end.code).toBe(3);
      expect(end.stderr).toContain(`no store in ${join(data, 'typo')}`);
    },
  );

  test('one that its holder keeps to itself: exit code 5, and by whom', async () => {
    const data = temporaryDirectory();
    mkdirSync(data, { recursive: true });
    const lock = openStoreLock(join(data, 'LOCK'));
    lock.tryLock('owner', 'exclusive');
    lock.describeHolder('a test');
    const end = await facet(['volume', 'list', '--data', data]);
    lock.close();
    expect(end.code).toBe(5);
    expect(end.stderr).toContain('in use by a test');
  });

  test('an address left by a killed server leads nobody astray', async () => {
    const data = temporaryDirectory();
    await stop(await serve({ data }), 'SIGKILL');
    // All at once, so that some find the store held and the address there.
    const ends = await Promise.all([1, 2, 3].map(() => facet(['volume', 'list', '--data', data])));
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
  });

  test('two commands at once wait for one another', async () => {
    const data = await storeWith('no server');
    const ends = await Promise.all(
      ['one', 'two', 'three'].map((name) => facet(['volume', 'create', name, '--data', data])),
    );
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
  });
});

describe('fsck', () => {
  const outcome = z.strictObject({
    damaged: z.boolean(),
    findings: z.array(
      z.strictObject({
        kind: z.string(),
        what: z.string(),
        where: z.string(),
        detail: z.string(),
        objects: z.array(z.strictObject({ volume: z.string(), key: z.string() })).optional(),
      }),
    ),
    findingCount: z.number(),
    checked: z.strictObject({
      volumes: z.number(),
      inodes: z.number(),
      contents: z.number(),
      containers: z.number(),
      frames: z.number(),
      bytes: z.number(),
    }),
  });

  /** A store with one object of 300,000 bytes, at rest. @returns its directory and the object's container */
  async function storeWithObject() {
    const data = temporaryDirectory();
    const server = await serve({ data });
    await put(server, '/bucket');
    await put(server, '/bucket/object', { body: 'x'.repeat(300_000) });
    await stop(server);
    const files = readdirSync(join(data, 'extents'), { recursive: true, encoding: 'utf8' });
    const container = files.find((name) => name.endsWith('.ext'));
    if (container === undefined) throw new Error(`no container among ${files.join(', ')}`);
    return { data, container: join(data, 'extents', container) };
  }

  test('of a sound store, by headers alone and in full', async () => {
    const { data } = await storeWithObject();
    for (const words of [['fsck'], ['fsck', '--full']]) {
      const found = await facetJson(outcome, [...words, '--data', data]);
      expect(found).toMatchObject({ damaged: false, findings: [], findingCount: 0 });
      expect(found.checked).toMatchObject({ volumes: 1, contents: 1, frames: 1 });
    }
    const told = await facet(['fsck', '--data', data]);
    expect(told).toMatchObject({ code: 0, stderr: '' });
    expect(told.stdout).toMatch(/1 volume, .*\nno damage\n$/);
  });

  test('a flipped bit in the data is found in full only', async () => {
    const { data, container } = await storeWithObject();
    const named = `container ${relative(join(data, 'extents'), container)}`;
    const bytes = readFileSync(container);
    bytes[150_000] = (bytes[150_000] ?? 0) ^ 1;
    writeFileSync(container, bytes);
    expect((await facet(['fsck', '--data', data])).code).toBe(0);
    const end = await facet(['fsck', '--full', '--json', '--data', data]);
    expect(end).toMatchObject({ code: 6, stderr: '' });
    expect(outcome.parse(JSON.parse(end.stdout)).findings).toMatchObject([
      { kind: 'frameDamaged', what: named, objects: [{ volume: 'bucket', key: 'object' }] },
    ]);
    const told = await facet(['fsck', '--full', '--data', data]);
    expect(told.stdout.startsWith(`frameDamaged: ${named}: `)).toBe(true);
    expect(told.stdout).toMatch(
      /^.* bytes of bucket\/object\n[\s\S]*\nDAMAGED: 1 finding; 'facet fsck --repair --dry-run' tells what of that can be mended\n$/,
    );
  });

  test('a container that is gone is found, and nothing is put in its place', async () => {
    const { data, container } = await storeWithObject();
    rmSync(container);
    const end = await facet(['fsck', '--json', '--data', data]);
    expect(end.code).toBe(6);
    const what = `container ${relative(join(data, 'extents'), container).replace('.ext', '')}`;
    expect(outcome.parse(JSON.parse(end.stdout)).findings).toContainEqual(
      expect.objectContaining({ kind: 'containerMissing', what }),
    );
    expect(existsSync(container)).toBe(false);
  });

  test('of what kill -9 left: sound before and after its recovery', async () => {
    const data = temporaryDirectory();
    await stop(await serve({ data }), 'SIGKILL');
    expect((await facet(['fsck', '--data', data])).code).toBe(0);
    await stop(await serve({ data }));
    expect((await facet(['fsck', '--data', data])).code).toBe(0);
  });

  test('of a store that is served is refused', async () => {
    const data = await storeWith('a running server');
    const end = await facet(['fsck', '--data', data, '--json']);
    expect(end.code).toBe(5);
    expect(errorShape.parse(JSON.parse(end.stderr)).error.code).toBe('StoreInUse');
  });
});

describe('the command line itself', () => {
  test.each<[string, readonly string[], RegExp]>([
    ['an unknown command', ['fly'], /unknown command 'fly'/],
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
    expect((await facet(['--help'])).stdout).toMatch(/5 {2}the store is in use/);
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
