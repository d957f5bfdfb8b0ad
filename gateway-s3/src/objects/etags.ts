/** Entity tags as clients write them. The core's are bare text; on the wire they are quoted. */
import type { WritePrecondition } from '@facet/core';
import type { HeaderMap } from '../auth/request.ts';

export function quoted(etag: string): string {
  return `"${etag}"`;
}

/** Without quotes or weakness mark. S3 also takes tags that come bare. */
export function unquoted(text: string): string {
  const tag = text.startsWith('W/') ? text.slice(2) : text;
  return tag.length >= 2 && tag.startsWith('"') && tag.endsWith('"') ? tag.slice(1, -1) : tag;
}

/** A list of entity tags, or `*`, unquoted. @source RFC 9110 §13.1.1 */
export function parseEtagList(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  return text
    .split(',')
    .map((tag) => unquoted(tag.trim()))
    .filter((tag) => tag !== '');
}

export function listsEtag(list: readonly string[], etag: string): boolean {
  return list.includes('*') || list.includes(etag);
}

/** `If-Match` and `If-None-Match` of a request that writes; undefined when it has neither. */
export function readWritePrecondition(headers: HeaderMap): { readonly precondition?: WritePrecondition } {
  const ifMatch = parseEtagList(headers.get('if-match'));
  const ifNoneMatch = parseEtagList(headers.get('if-none-match'));
  if (ifMatch === undefined && ifNoneMatch === undefined) return {};
  return {
    precondition: {
      ...(ifMatch !== undefined && { ifMatch }),
      ...(ifNoneMatch !== undefined && { ifNoneMatch }),
    },
  };
}
