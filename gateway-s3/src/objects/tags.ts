/** Tag sets, from the `x-amz-tagging` header and from XML, under S3's rules. */
import type { Tags } from '@facet/core';
import { type HeaderMap, parseQuery } from '../auth/request.ts';
import { S3Error } from '../errors.ts';
import { invalidArgument } from '../request.ts';
import { childOf, readXml, requiredText, type XmlElement } from '../xml/read.ts';
import { element, leaf, type Xml, xmlDocument } from '../xml/write.ts';

export const OBJECT_TAGS_MAX = 10;
export const BUCKET_TAGS_MAX = 50;
const TAG_KEY_CHARS_MAX = 128;
const TAG_VALUE_CHARS_MAX = 256;
const TAG_TEXT = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Tagging bodies are bounded by their rules: 50 tags of 384 characters, escaped, fit well. */
export const TAGGING_BYTES_MAX = 256 << 10;

/** `k1=v1&k2=v2`, percent-encoded. @throws S3Error InvalidArgument | InvalidTag */
export function readTaggingHeader(headers: HeaderMap): Tags | undefined {
  const header = headers.get('x-amz-tagging');
  if (header === undefined) return undefined;
  const utf8 = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');
  let params: ReturnType<typeof parseQuery>;
  try {
    params = parseQuery(header);
  } catch {
    throw badTaggingHeader(header);
  }
  const tags = params.map(({ name, value }) => ({ key: utf8(name), value: utf8(value) }));
  const keys = new Set(tags.map(({ key }) => key));
  if (keys.size < tags.length || keys.has('')) throw badTaggingHeader(header);
  return checkTags(tags, OBJECT_TAGS_MAX);
}

function badTaggingHeader(header: string): S3Error {
  return invalidArgument(
    'x-amz-tagging',
    header,
    "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
  );
}

/** @throws S3Error MalformedXML | InvalidTag */
export function readTaggingDocument(bytes: Buffer, countMax: number): Tags {
  const tagSet = childOf(readXml(bytes, 'Tagging'), 'TagSet');
  if (tagSet === undefined) throw new S3Error('MalformedXML');
  return readTagSet(tagSet, countMax);
}

/** @throws S3Error MalformedXML | InvalidTag */
export function readTagSet(tagSet: XmlElement, countMax: number): Tags {
  const tags = tagSet.children.map((tag) => {
    if (tag.name !== 'Tag') throw new S3Error('MalformedXML');
    return { key: requiredText(tag, 'Key'), value: requiredText(tag, 'Value') };
  });
  return checkTags(tags, countMax);
}

/** @throws S3Error InvalidTag */
function checkTags(tags: Tags, countMax: number): Tags {
  if (tags.length > countMax) throw new S3Error('InvalidTag', `There may be at most ${countMax} tags.`);
  const seen = new Set<string>();
  for (const { key, value } of tags) {
    if (seen.has(key)) throw invalidTag('Cannot provide multiple Tags with the same key', key, value);
    seen.add(key);
    if (key === '' || [...key].length > TAG_KEY_CHARS_MAX || !TAG_TEXT.test(key)) {
      throw invalidTag('The TagKey you have provided is invalid', key, value);
    }
    if ([...value].length > TAG_VALUE_CHARS_MAX || !TAG_TEXT.test(value)) {
      throw invalidTag('The TagValue you have provided is invalid', key, value);
    }
    if (key.startsWith('aws:'))
      throw invalidTag('System tags cannot be added/updated by requester', key, value);
  }
  return tags;
}

function invalidTag(message: string, key: string, value: string): S3Error {
  return new S3Error('InvalidTag', message, { fields: { TagKey: key, TagValue: value } });
}

/** In order of keys. */
export function taggingDocument(tags: Tags): Xml {
  const ordered = [...tags].sort((a, b) => (a.key < b.key ? -1 : 1));
  return xmlDocument(
    'Tagging',
    element(
      'TagSet',
      ...ordered.map(({ key, value }) => element('Tag', leaf('Key', key), leaf('Value', value))),
    ),
  );
}
