import { expect, test } from 'vitest';
import { judgeFailure } from './verdicts.ts';

const known = new Map([['pjdfstest unlink/14 #4', 'files are not open']]);
const failure = (check: string, onPeer: boolean | undefined) => ({ check, said: 'got 1', onPeer });

test.each([
  {
    check: 'pjdfstest unlink/14 #4',
    onPeer: true,
    kind: 'skipped',
    says: 'No server of NFSv3 can help it: files are not open',
  },
  { check: 'pjdfstest unlink/14 #4', onPeer: undefined, kind: 'skipped', says: 'not run on NFS-Ganesha' },
  { check: 'pjdfstest unlink/14 #5', onPeer: true, kind: 'skipped', says: 'NFS-Ganesha fails it too' },
  { check: 'pjdfstest unlink/14 #5', onPeer: false, kind: 'failed', says: 'NFS-Ganesha passes it' },
  { check: 'pjdfstest unlink/14 #5', onPeer: undefined, kind: 'failed', says: 'not run on NFS-Ganesha' },
])('$check, on the peer $onPeer: $kind', ({ check, onPeer, kind, says }) => {
  const verdict = judgeFailure(failure(check, onPeer), known);
  expect(verdict.kind).toBe(kind);
  expect(verdict.kind !== 'passed' && verdict.reason).toMatch(/^got 1\n/);
  expect(verdict.kind !== 'passed' && verdict.reason).toContain(says);
});
