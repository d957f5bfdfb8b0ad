/**
 * Requests as botocore signs them, captured at its last step before the socket with its clock held at one moment.
 * `vectors/botocore.json` names its version. Keys and parameters are the odd ones; see each vector's name.
 */
import { expect, test } from 'vitest';
import { verifyAt } from './requests.ts';
import recorded from './vectors/botocore.json' with { type: 'json' };

test.each(recorded.vectors)('$name', async ({ via, name: _, ...request }) => {
  await expect(verifyAt(recorded.time, recorded, request)).resolves.toMatchObject({ kind: 'verified', via });
});

test('the vectors cover both ways of signing', () => {
  const ways = recorded.vectors.map(({ via }) => via);
  expect(ways.filter((via) => via === 'header').length).toBeGreaterThan(30);
  expect(ways.filter((via) => via === 'presigned').length).toBeGreaterThan(20);
});
