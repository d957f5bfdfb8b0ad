import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ENGINES, openRig, type Rig } from '../rig.ts';

describe('what is refused', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await openRig('memory');
  });
  afterEach(() => rig.close());

  const createKey = (more: { account?: string; accessKeyId?: string; secretKey?: string }) =>
    rig.core.accounts.createKey({ account: 'tester', ...more });

  it.each([
    [{ account: 'two words' }, 'the account name must be 1 to 64 letters,.*, not "two words"'],
    [{ accessKeyId: 'a/b' }, 'the access key id must be 3 to 128 letters,.*, not "a/b"'],
  ])('is told with its rule: %j', async (wrong, message) => {
    await expect(createKey(wrong)).rejects.toThrow(
      expect.objectContaining({ code: 'Invalid', message: expect.stringMatching(message) }),
    );
  });

  it.each(['short', 'with a space in it', 'x'.repeat(129)])(
    'is not repeated where it is a secret: %j',
    async (secretKey) => {
      const refused = await createKey({ secretKey }).catch((error: unknown) => error);
      expect(refused).toMatchObject({
        code: 'Invalid',
        message: 'the secret key must be 8 to 128 visible ASCII characters, no spaces',
      });
    },
  );
});

describe.each(ENGINES)('an account on %s', (engine) => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await openRig(engine);
  });
  afterEach(() => rig.close());

  it('goes with its keys and with nobody else’s', async () => {
    const { accounts } = rig.core;
    const keyOf = async (account: string) =>
      (await accounts.createKey({ account, createAccount: {} })).accessKeyId;
    const [one, two, other] = [await keyOf('leaver'), await keyOf('leaver'), await keyOf('stayer')];
    // Looked up, so that it is remembered.
    expect((await accounts.findKey(one))?.account.name).toBe('leaver');
    const { account, keys } = await accounts.delete('leaver');
    expect(account.name).toBe('leaver');
    expect(keys.map(({ accessKeyId }) => accessKeyId).toSorted()).toEqual([one, two].toSorted());
    expect(await accounts.find('leaver')).toBe(undefined);
    for (const gone of [one, two]) expect(await accounts.findKey(gone)).toBe(undefined);
    expect((await accounts.findKey(other))?.account.name).toBe('stayer');
    await expect(accounts.delete('leaver')).rejects.toMatchObject({ code: 'NoSuchAccount' });
  });

  it('that owns volumes stays, keys and all', async () => {
    const { accounts, volumes } = rig.core;
    const { accessKeyId } = await accounts.createKey({ account: 'tester' });
    await volumes.create({ name: 'second', owner: 'tester' });
    await expect(accounts.delete('tester')).rejects.toMatchObject({
      code: 'AccountNotEmpty',
      message: expect.stringMatching(
        /^account 'tester' owns volume \w+ and 1 more: delete what it owns first$/,
      ),
    });
    expect((await accounts.findKey(accessKeyId))?.account.name).toBe('tester');
  });
});
