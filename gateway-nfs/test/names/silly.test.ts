import { expect, it } from 'vitest';
import { isSilly } from '../../src/names/silly.ts';

it.each([
  ['.nfs00000000000a12f500000001', true],
  ['.nfs.5f3a91c2.01f44.4', true],
  ['.nfsA01f44.4', true],
  ['.nfs3B', true],
  ['.nfs', false],
  ['.nfsrc', false],
  ['.nfs.conf', false],
  ['nfs00000000000a12f500000001', false],
  ['.nfs00000000000a12f500000001x', false],
  ['.nfs00000000000a12f5000000010000000000000000000000', false],
])('%s: %s', (name, silly) => {
  expect(isSilly(Buffer.from(name))).toBe(silly);
});
