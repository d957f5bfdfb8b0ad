/** Who asks afterwards who changed what finds it in the server's log: there is no other trace. */

import { expect, test } from 'vitest';
import { z } from 'zod';
import { facet, serve, stop, temporaryDirectory } from './facetProcess.ts';

const SECRET = 'notToBeSeen1234';
const CHANGES: readonly (readonly [words: readonly string[], told: object | undefined])[] = [
  [
    ['key', 'create', '--account', 'alice', '--access-key', 'ALICEKEY', '--secret-key', SECRET],
    { msg: 'an access key was made', account: 'alice', accessKeyId: 'ALICEKEY' },
  ],
  [
    ['volume', 'create', 'photos', '--owner', 'alice'],
    { msg: 'a volume was made', volume: 'photos', owner: 'alice' },
  ],
  [
    ['volume', 'set', 'photos', '--quota', '1K'],
    { msg: 'settings of a volume were changed', volume: 'photos', changes: { quotaBytes: 1024 } },
  ],
  [
    ['export', 'set', 'photos', '--read-only'],
    { msg: 'the export of a volume was changed', volume: 'photos', changes: { readOnly: true } },
  ],
  [['volume', 'list'], undefined],
  [['volume', 'create', 'photos'], undefined],
  [['volume', 'delete', 'photos'], { msg: 'a volume was deleted', volume: 'photos' }],
  [
    ['key', 'delete', 'ALICEKEY'],
    { msg: 'an access key was deleted', account: 'alice', accessKeyId: 'ALICEKEY' },
  ],
  [
    ['account', 'delete', 'alice'],
    { msg: 'an account was deleted, with its keys', account: 'alice', keys: 0 },
  ],
];

test('each change is a line, what was refused or changes nothing is none, and no line has a secret', async () => {
  const data = temporaryDirectory();
  const server = await serve({ data });
  for (const [words] of CHANGES) await facet([...words, '--data', data]);
  const { stderr } = await stop(server);
  const line = z.looseObject({ msg: z.string(), level: z.number() });
  const told = stderr
    .trim()
    .split('\n')
    .map((text) => line.parse(JSON.parse(text)));
  const between = told.slice(
    told.findIndex(({ msg }) => msg === 'serving') + 1,
    told.findIndex(({ msg }) => msg.startsWith('stopping')),
  );
  const expected = CHANGES.flatMap(([, entry]) => (entry === undefined ? [] : [{ level: 30, ...entry }]));
  expect(between).toMatchObject(expected);
  expect(stderr).not.toContain(SECRET);
});
