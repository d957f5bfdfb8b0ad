/**
 * XML as S3 writes it: elements in a fixed order, no attributes but the name space, no white space between.
 *
 * XML 1.0 cannot hold every character a key may have, not even as a reference: most below U+0020, U+FFFE, U+FFFF. An
 * answer that parses is worth more than one spelt right, so they are U+FFFD: what the client named itself it knows. A
 * listing of objects writes references all the same, as S3 does: a client could do nothing good with a name that is not
 * the key's, and `encoding-type=url`, which SDKs ask for there, is its way around it. See {@link nameLeaf}.
 */

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';
const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** Already escaped. */
export type Xml = string;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const SPECIAL = /[&<>"\u0000-\u0008\u000b-\u001f\ufffe\uffff]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const SPECIALS = /[&<>"\u0000-\u0008\u000b-\u001f\ufffe\uffff]/g;
const NAMED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** By character: 1 where a text may have it as it is. */
const IS_PLAIN = Uint8Array.from({ length: 128 }, (_, code) =>
  SPECIAL.test(String.fromCharCode(code)) ? 0 : 1,
);

/** Of most texts, which are short and plain, the table tells it in a fifth of the time. */
function hasSpecial(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (IS_PLAIN[text.charCodeAt(at)] !== 1) return SPECIAL.test(text);
  return false;
}

const REPLACEMENT = '\ufffd';

const reference = (c: string): Xml => `&#x${c.charCodeAt(0).toString(16).toUpperCase()};`;

function escapeText(text: string): Xml {
  if (!hasSpecial(text)) return text;
  return text.replace(SPECIALS, (c) => NAMED[c] ?? (c === '\r' ? reference(c) : REPLACEMENT));
}

/** `<name>text</name>`, escaped and well-formed whatever the text; nothing at all when there is no value. */
export function leaf(name: string, value: string | number | boolean | undefined): Xml {
  if (value === undefined) return '';
  return `<${name}>${typeof value === 'string' ? escapeText(value) : value}</${name}>`;
}

/** A {@link leaf} of a text in quotes. Where nothing but these needs escaping, as in any ETag, nothing is searched twice. */
export function quotedLeaf(name: string, value: string): Xml {
  return hasSpecial(value) ? leaf(name, `"${value}"`) : `<${name}>&quot;${value}&quot;</${name}>`;
}

/** A {@link leaf} of a name in a listing of objects: with references also to characters that XML does not have. */
export function nameLeaf(name: string, value: string | undefined): Xml {
  if (value === undefined) return '';
  const text = hasSpecial(value) ? value.replace(SPECIALS, (c) => NAMED[c] ?? reference(c)) : value;
  return `<${name}>${text}</${name}>`;
}

/** An element around elements. */
export function element(name: string, ...children: readonly Xml[]): Xml {
  return `<${name}>${children.join('')}</${name}>`;
}

/** A whole document in S3's name space. */
export function xmlDocument(root: string, ...children: readonly Xml[]): Xml {
  return `${DECLARATION}<${root} xmlns="${NAMESPACE}">${children.join('')}</${root}>`;
}

/** A whole document of one text. */
export function textDocument(root: string, text: string): Xml {
  return xmlDocument(root, escapeText(text));
}

/** A whole document without a name space: S3's errors. */
export function plainXmlDocument(root: string, ...children: readonly Xml[]): Xml {
  return `${DECLARATION}<${root}>${children.join('')}</${root}>`;
}
