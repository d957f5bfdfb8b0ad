/** What the verifier takes, however close it is to what it refuses. */
import { describe, expect, test } from 'vitest';
import {
  authorization,
  byHeader,
  plusHeader,
  presigned,
  withHeader,
  withoutHeader,
} from './changedRequests.ts';
import { crtSigner, crtTime } from './crtSigner.ts';
import { verifyAt } from './requests.ts';

describe('what stays allowed', () => {
  test.each([
    ['a clock 15 minutes behind', () => byHeader, '20260314T152426Z'],
    ['a clock 15 minutes ahead', () => byHeader, '20260314T145426Z'],
    ['a presigned URL in its last second', () => presigned, '20260314T151926Z'],
    ['a presigned URL from a clock 15 minutes ahead', () => presigned, '20260314T145426Z'],
    ['further headers that are not x-amz', () => plusHeader(byHeader, 'Content-Type', 'text/plain'), crtTime],
    [
      'components without blanks, in another order',
      authorization((v) => v.replace(/^(\S+) (\S+), (\S+), (\S+)$/, '$1 $4,$2,$3')),
      crtTime,
    ],
  ] as const)('%s', async (_, request, time) => {
    await expect(verifyAt(time, crtSigner, request())).resolves.toMatchObject({ kind: 'verified' });
  });

  test('a Date header in place of x-amz-date', async () => {
    const request = withHeader(withoutHeader(byHeader, 'x-amz-date'), 'authorization', (v) =>
      v.replace(';x-amz-date', ''),
    );
    const refused = await verifyAt(
      crtTime,
      crtSigner,
      plusHeader(request, 'Date', 'Sat, 14 Mar 2026 15:09:26 GMT'),
    ).catch((error: unknown) => error);
    // The signature was made over x-amz-date; that it is this signature that fails shows that the date was taken.
    expect(refused).toMatchObject({
      code: 'SignatureDoesNotMatch',
      fields: { StringToSign: expect.stringContaining(`\n${crtTime}\n`) },
    });
  });
});
