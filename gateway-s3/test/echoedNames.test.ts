/** Answers that repeat what the client sent are well-formed whatever that is. */

import fc from 'fast-check';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { echo, element } from '../src/xml/write.ts';
import { md5Base64 } from './client.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.alice.put('/echoes');
});
afterAll(async () => {
  expect(world.errors).toEqual([]);
  await world.close();
});

/** @source Extensible Markup Language (XML) 1.0, production 2 */
const isXmlCharacter = (code: number): boolean =>
  [0x9, 0xa, 0xd].includes(code) ||
  (code >= 0x20 && code <= 0xd7ff) ||
  (code >= 0xe000 && code <= 0xfffd) ||
  (code >= 0x10000 && code <= 0x10ffff);

/** The parser's own check lets characters pass that XML does not have. */
function parseStrictly(text: string): Record<string, unknown> {
  expect(XMLValidator.validate(text)).toBe(true);
  const referred = text.matchAll(/&#(?:x([0-9a-f]+)|(\d+));/gi);
  const codes = [
    ...Array.from(text, (character) => character.codePointAt(0) ?? 0),
    ...Array.from(referred, ([, hex, decimal]) => (hex ? Number.parseInt(hex, 16) : Number(decimal))),
  ];
  expect(codes.filter((code) => !isXmlCharacter(code))).toEqual([]);
  return new XMLParser({ htmlEntities: true, trimValues: false, parseTagValue: false }).parse(text);
}

it('DeleteObjects of keys that XML cannot hold deletes them, and says so in XML', async () => {
  const keys = ['soh\u0001', 'esc\u001b\u0000', 'noncharacter\ufffe\uffff', 'cr\r<&>', 'plain'];
  const escaped = (key: string) => Array.from(key, (c) => `&#${c.codePointAt(0)};`).join('');
  const paths = keys.map((key) => `/echoes/${encodeURIComponent(key)}`);
  for (const path of paths) expect(await world.alice.put(path, 'x')).toMatchObject({ status: 200 });
  const wrong = `<Object><Key>kept\u0001</Key><VersionId>no\u0002version</VersionId></Object>`;
  const body = `<Delete>${keys.map((key) => `<Object><Key>${escaped(key)}</Key></Object>`).join('')}${wrong}</Delete>`;
  const answer = await world.alice.post('/echoes?delete', body, { 'content-md5': md5Base64(body) });
  expect(answer.status).toBe(200);
  const { DeleteResult } = parseStrictly(answer.text);
  expect(DeleteResult).toMatchObject({
    Deleted: [
      { Key: 'soh\ufffd' },
      { Key: 'esc\ufffd\ufffd' },
      { Key: 'noncharacter\ufffd\ufffd' },
      { Key: 'cr\r<&>' },
      { Key: 'plain' },
    ],
    Error: { Key: 'kept\ufffd', VersionId: 'no\ufffdversion', Code: 'InvalidArgument' },
  });
  for (const path of paths) expect(await world.alice.get(path)).toMatchObject({ status: 404 });
});

it('whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      parseStrictly(element('a', echo('b', text.toWellFormed())));
    }),
  );
  const replaced = Array.from({ length: 0xd800 }, (_, code) => code)
    .concat([0xe000, 0xfffc, 0xfffd, 0xfffe, 0xffff, 0x10ffff])
    .filter((code) => echo('b', String.fromCodePoint(code)) === '<b>\ufffd</b>');
  expect(replaced.filter((code) => code !== 0xfffd && isXmlCharacter(code))).toEqual([]);
  expect(replaced).toHaveLength(29 + 1 + 2);
});
