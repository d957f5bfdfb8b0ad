/**
 * XML request bodies, read into a plain tree and then by strict little readers.
 *
 * Nothing but the five predefined entities and character references is expanded, a DOCTYPE is refused, nesting is
 * bounded; the caller bounds the size. Name spaces and attributes are ignored, as S3 does.
 */
import { isUtf8 } from 'node:buffer';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { S3Error } from '../errors.ts';

/** The deepest body S3 defines has 4 levels. */
const DEPTH_MAX = 16;

export interface XmlElement {
  /** Without a name-space prefix. */
  readonly name: string;
  readonly children: readonly XmlElement[];
  /** The element's own text, references replaced. Empty for an element that has children. */
  readonly text: string;
}

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: true,
  removeNSPrefix: true,
  parseTagValue: false,
  trimValues: false,
  // References are replaced here, below: CDATA must be left alone.
  processEntities: false,
  cdataPropName: '#cdata',
  ignoreDeclaration: true,
  ignorePiTags: true,
  maxNestedTags: DEPTH_MAX,
});

/**
 * @param rootName the element the document must be.
 * @throws S3Error MalformedXML
 */
export function readXml(bytes: Buffer, rootName: string): XmlElement {
  if (!isUtf8(bytes)) throw new S3Error('MalformedXML', 'The XML is not valid UTF-8.');
  const text = bytes.toString('utf8').replace(/^\ufeff/, '');
  if (text.includes('<!DOCTYPE')) throw new S3Error('MalformedXML', 'The XML must not have a DOCTYPE.');
  const roots = parse(text);
  const root = roots[0];
  if (roots.length !== 1 || root?.name !== rootName) throw new S3Error('MalformedXML');
  return root;
}

function parse(text: string): readonly XmlElement[] {
  try {
    if (XMLValidator.validate(text) !== true) throw new S3Error('MalformedXML');
    const tree: unknown = parser.parse(text);
    return elementsOf(tree);
  } catch (cause) {
    if (cause instanceof S3Error) throw cause;
    throw new S3Error('MalformedXML', undefined, { cause });
  }
}

/** The parser's ordered form: an array of `{ name: children }`, `{ '#text': string }` and `{ '#cdata': […] }`. */
function elementsOf(nodes: unknown): readonly XmlElement[] {
  if (!Array.isArray(nodes)) throw new S3Error('MalformedXML');
  const elements: XmlElement[] = [];
  for (const node of nodes as readonly object[]) {
    for (const [name, content] of Object.entries(node)) {
      if (name.startsWith('#') || name.startsWith(':') || name.startsWith('?')) continue;
      const children = elementsOf(content);
      elements.push({ name, children, text: children.length > 0 ? '' : textOf(content) });
    }
  }
  return elements;
}

function textOf(nodes: unknown): string {
  let text = '';
  for (const node of nodes as readonly Record<string, unknown>[]) {
    const plain = node['#text'];
    if (typeof plain === 'string') text += replaceReferences(plain);
    const cdata = node['#cdata'];
    if (Array.isArray(cdata)) for (const piece of cdata) text += String(piece['#text'] ?? '');
  }
  return text;
}

const PREDEFINED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function replaceReferences(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&([^;]{0,16});?/g, (whole, body: string) => {
    const named = PREDEFINED[body];
    const closed = whole.endsWith(';');
    if (named !== undefined && closed) return named;
    const digits = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(body);
    const code =
      digits?.[1] !== undefined ? Number.parseInt(digits[1], 16) : Number(digits?.[2] ?? Number.NaN);
    if (!closed || !(code <= 0x10ffff) || (code >= 0xd800 && code <= 0xdfff))
      throw new S3Error('MalformedXML');
    return String.fromCodePoint(code);
  });
}

/** The only child of that name. @throws S3Error MalformedXML (repeated) */
export function childOf(parent: XmlElement, name: string): XmlElement | undefined {
  const found = parent.children.filter((child) => child.name === name);
  if (found.length > 1) throw new S3Error('MalformedXML', `${name} is given more than once.`);
  return found[0];
}

/** @throws S3Error MalformedXML (repeated, or with children) */
export function textChild(parent: XmlElement, name: string): string | undefined {
  const child = childOf(parent, name);
  if (child !== undefined && child.children.length > 0) throw new S3Error('MalformedXML');
  return child?.text;
}

/** @throws S3Error MalformedXML */
export function requiredText(parent: XmlElement, name: string): string {
  const text = textChild(parent, name);
  if (text === undefined) throw new S3Error('MalformedXML', `${parent.name} lacks ${name}.`);
  return text;
}
