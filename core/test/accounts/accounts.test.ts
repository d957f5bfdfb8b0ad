import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRig, type Rig } from '../rig.ts';

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
