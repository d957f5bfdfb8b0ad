/** What a server says of itself is believed only where it can be so. */
import { expect, test } from 'vitest';
import { servingOf } from './serving.ts';

const SAID = {
  version: '0.1.0',
  pid: 4711,
  s3: { url: 'http://127.0.0.1:9000', host: '127.0.0.1', port: 9000, domain: 'localhost' },
  admin: { url: 'http://127.0.0.1:9001', host: '127.0.0.1', port: 9001 },
  nfs: { host: '127.0.0.1', port: 2049, mountOptions: 'vers=3' },
};

test('what listens where', () => {
  expect(servingOf(JSON.stringify(SAID))).toEqual({
    pid: 4711,
    s3: { url: 'http://127.0.0.1:9000', host: '127.0.0.1', port: 9000 },
    admin: { url: 'http://127.0.0.1:9001', host: '127.0.0.1', port: 9001 },
    nfs: { host: '127.0.0.1', port: 2049 },
  });
});

test.each([
  ['no JSON', 'Facet 0.1.0 serves', /no pid in: Facet/],
  ['half a line', JSON.stringify(SAID).slice(0, 60), /no pid in/],
  ['null', 'null', /no pid in: null/],
  ['a number', '4', /no pid in: 4/],
  ['no process', JSON.stringify({ ...SAID, pid: 0 }), /no pid/],
  ['no NFS door', JSON.stringify({ ...SAID, nfs: undefined }), /no nfs\.host/],
  ['a port in words', JSON.stringify({ ...SAID, nfs: { host: '::1', port: '2049' } }), /no nfs\.port/],
  ['a port that is none', JSON.stringify({ ...SAID, nfs: { host: '::1', port: 65_536 } }), /no nfs\.port/],
  ['a door that is no object', JSON.stringify({ ...SAID, s3: 9000 }), /no s3\.url/],
  [
    'an address that is none',
    JSON.stringify({ ...SAID, admin: { ...SAID.admin, url: 'here' } }),
    /admin\.url/,
  ],
])('%s is refused', (_, line, why) => {
  expect(() => servingOf(line)).toThrow(why);
});
