/** The soak finds what a server acknowledged and did not keep, by its check after the restart alone. */
import { expect, test } from 'vitest';
import { type Lie, standBetween } from './goBetween.ts';
import { type Outcome, soakKills } from './kills.ts';
import { LIES, NO_LIE, REPLY_TO_ANOTHER_CALL } from './lies.ts';

const BY_THE_CHECK = /: found .+, where .+ was acknowledged or asked$/;

/** A real server, killed as soon as the lie was told. @returns what was found */
async function soakWith(lie: Lie): Promise<Outcome['faults']> {
  const { faults } = await soakKills({
    kills: 1,
    workers: 0,
    clients: 4,
    // Some of them are files to be renamed.
    keysEach: 24,
    seed: 'lies',
    goBetween: (server) => standBetween(server, lie),
    log: () => undefined,
  });
  return faults;
}

test.each(Object.entries(LIES))('%s: found', async (_, { lie, found }) => {
  const faults = await soakWith(lie());
  for (const pattern of found) expect(faults).toContainEqual(expect.stringMatching(pattern));
  expect(faults.filter((fault) => !BY_THE_CHECK.test(fault))).toEqual([]);
});

test('what was kept is no loss', async () => {
  expect(await soakWith(NO_LIE())).toEqual([]);
});

test('a reply to another call is told while the server is there', async () => {
  const faults = await soakWith(REPLY_TO_ANOTHER_CALL());
  expect(faults).toEqual([
    expect.stringMatching(/^NFS create of .+: WrongReply: CREATE: call \d+ was answered as \d+$/),
  ]);
});
