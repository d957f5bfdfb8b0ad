import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readXml, textChild } from '../src/xml/read.ts';
import { element, leaf, nameLeaf, quotedLeaf, xmlDocument } from '../src/xml/write.ts';

const read = (text: string) => readXml(Buffer.from(text), 'a');

describe('writing', () => {
  it('a text in quotes as any other', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('a', '&', '"', '<', '\0') })),
        (text) => {
          expect(quotedLeaf('ETag', text)).toBe(leaf('ETag', `"${text}"`));
        },
      ),
    );
  });
});

describe('reading', () => {
  it('what was written', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (texts) => {
        const written = xmlDocument('a', ...texts.map((text) => element('b', nameLeaf('c', text))));
        const root = readXml(Buffer.from(written), 'a');
        // A line end in a reference stays what it was; one that is written plainly is a line feed.
        expect(root.children.map((child) => textChild(child, 'c'))).toEqual(texts);
      }),
    );
  });

  it.each([
    ['<a> x </a>', ' x '],
    ['<a>&lt;&#65;&#x42;&amp;amp;</a>', '<AB&amp;'],
    ['<a><![CDATA[&lt;<b>]]>&lt;</a>', '&lt;<b><'],
    ['<?xml version="1.0"?>\n<a>x</a>\n', 'x'],
    ['\ufeff<a>x</a>', 'x'],
    ['<a>1\r\n2\r3</a>', '1\n2\n3'],
    ['<s:a xmlns:s="urn:x" id="1">x</s:a>', 'x'],
    ['<a><!-- no -->x</a>', 'x'],
    ['<a/>', ''],
  ])('%j', (text, expected) => {
    expect(read(text).text).toBe(expected);
  });

  it.each([
    '',
    ' ',
    'x',
    '<a>',
    '<b/>',
    '<a></b>',
    '<a/><a/>',
    '<a>&x;</a>',
    '<a>&#;</a>',
    '<a>&#xD800;</a>',
    '<a>&#x110000;</a>',
    '<a>& </a>',
    '<a>&lt</a>',
    '<!DOCTYPE a><a/>',
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    `${'<a>'.repeat(40)}${'</a>'.repeat(40)}`,
    '<a><__proto__>1</__proto__><constructor/></b>',
  ])('%j is refused', (text) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'MalformedXML' }));
  });

  it('whatever comes, it answers or refuses', () => {
    const pieces = fc.constantFrom(
      '<a>',
      '</a>',
      '<b ',
      '/>',
      '&',
      ';',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '"',
      '=',
      'x',
      '<?',
      '?>',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        try {
          readXml(Buffer.from(parts.join('')), 'a');
        } catch (error) {
          expect(error).toMatchObject({ code: 'MalformedXML' });
        }
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => readXml(Buffer.from(bytes), 'a')).toThrow(
          expect.objectContaining({ code: 'MalformedXML' }),
        );
      }),
    );
  });
});
