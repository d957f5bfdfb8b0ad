import { expect, test } from 'vitest';
import { legiblePath } from '../src/administration/legiblePath.ts';

test.each([
  ['plain/é', 'plain/é'],
  ['a\nb/c\\d', 'a\\x0ab/c\\x5cd'],
  ['\u0085', '\\xc2\\x85'],
])('%j', (path, shown) => expect(legiblePath(Buffer.from(path))).toBe(shown));

test('bytes that are no text', () => {
  const path = Buffer.concat([Buffer.from('é/'), Buffer.from([0x61, 0xff, 0x5c, 0xe9]), Buffer.from('/b')]);
  expect(legiblePath(path)).toBe('é/a\\xff\\x5c\\xe9/b');
});

test('a very long one is cut', () => {
  const shown = legiblePath(Buffer.from(`${'a'.repeat(400)}/${'b'.repeat(400)}`));
  expect(shown).toBe(`${'a'.repeat(300)}…${'b'.repeat(300)}`);
});
