/** The soak finds what a backup brings back that was not there, and misses what it does not. */
import { expect, test } from 'vitest';
import { textsOf } from '../wire/send.ts';
import type { BackupLie } from './backups.ts';
import { soakKills } from './kills.ts';
import { BUCKET, pathOf, type World } from './objects.ts';

/** @returns what was found. With one kill nothing is brought back but at the end */
async function soakWith(lie: BackupLie, kills = 1): Promise<readonly string[]> {
  const { faults } = await soakKills({
    kills,
    workers: 0,
    clients: 4,
    keysEach: 24,
    seed: 'lies',
    backups: { lie },
    log: () => undefined,
  });
  return faults;
}

/** Of an object that has bytes. */
async function someKey({ s3 }: World): Promise<string> {
  const reply = await s3.send({ path: `/${BUCKET}?list-type=2` });
  const text = reply.body.toString('utf8');
  const at = textsOf(text, 'Size').findIndex((size) => Number(size) > 0);
  const key = textsOf(text, 'Key')[at];
  if (key === undefined) throw new Error(`no object with bytes: ${text}`);
  return key;
}

test.each<readonly [string, BackupLie, RegExp]>([
  [
    'an object less',
    {
      spoil: async (world) => world.s3.send({ method: 'DELETE', path: pathOf(await someKey(world)) }),
    },
    /^backup \S+: .+: found nothing, where \S+ \(.+\) was acknowledged or asked$/,
  ],
  [
    'other bytes',
    {
      spoil: async (world) => {
        const path = pathOf(await someKey(world));
        await world.s3.send({ method: 'PUT', path, body: Buffer.from('of nobody') });
      },
    },
    /^backup \S+: .+: found \S+ \(9 bytes, .+\), where \S+ \(.+\) was acknowledged or asked$/,
  ],
  [
    'an object of nobody',
    { spoil: ({ s3 }) => s3.send({ method: 'PUT', path: pathOf('nobody'), body: Buffer.from('s') }) },
    /^backup \S+: nobody is listed, but nobody ever put it$/,
  ],
])('%s: found', async (_, lie, found) => {
  expect(await soakWith(lie)).toEqual([expect.stringMatching(found)]);
});

test('an older backup in its place: found', async () => {
  const faults = await soakWith({ isOld: true }, 2);
  expect(faults).toContainEqual(
    expect.stringMatching(/^backup \S+: .+: found .+, where .+ was acknowledged or asked$/),
  );
  expect(faults.filter((fault) => !fault.startsWith('backup '))).toEqual([]);
});

test('what was there is no fault', async () => {
  expect(await soakWith({}, 2)).toEqual([]);
});
