/** What S3 says of a volume: each call is one request, and nothing is remembered between two. */
import { type Answer, Connection } from '../wire/connection.ts';
import { type Ask, requestBytes, signByHeader } from '../wire/request.ts';
import { type Caller, send, sendExpectingSuccess, signingOf, textsOf } from '../wire/send.ts';

const WITHIN_MS = 60_000;

export interface Objects {
  send(key: string, ask?: Omit<Ask, 'path'>): Promise<Answer>;
  put(key: string, body: string | Buffer): Promise<string>;
  /** The bytes, undefined when there is no such object. */
  get(key: string): Promise<Buffer | undefined>;
  /** With its quotes, undefined when there is no such object. */
  etag(key: string): Promise<string | undefined>;
  remove(key: string): Promise<void>;
  /** Every key under a prefix, page by page. */
  list(prefix?: string): Promise<string[]>;
  /** One page's answer to a query of ListObjectsV2. */
  page(query: string): Promise<Answer>;
  /** PUTs many over a few connections that are kept; each takes the next key when it is free. */
  putMany(keys: Iterable<string>, bodyOf: (key: string) => string): Promise<void>;
}

const CONNECTIONS = 16;

export function objectsOf(caller: Caller, volume: string): Objects {
  const pathOf = (key: string): string => `/${volume}/${key.split('/').map(encodeSegment).join('/')}`;
  const ask = (key: string, rest: Omit<Ask, 'path'> = {}) => send(caller, { path: pathOf(key), ...rest });
  const page = (query: string) =>
    sendExpectingSuccess(caller, { path: `/${volume}?list-type=2${query && `&${query}`}` });
  return {
    send: ask,
    page,
    put: async (key, body) => {
      const { headers } = await sendExpectingSuccess(caller, { method: 'PUT', path: pathOf(key), body });
      return headers.get('etag') ?? '';
    },
    get: async (key) => {
      const answer = await ask(key);
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw new Error(`GET ${key} answered ${answer.status}: ${answer.text}`);
      return answer.body;
    },
    etag: async (key) => {
      const answer = await ask(key, { method: 'HEAD' });
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw new Error(`HEAD ${key} answered ${answer.status}`);
      return answer.headers.get('etag');
    },
    remove: async (key) => {
      await sendExpectingSuccess(caller, { method: 'DELETE', path: pathOf(key) });
    },
    list: async (prefix = '') => {
      const keys: string[] = [];
      let token: string | undefined;
      do {
        const more = token === undefined ? '' : `&continuation-token=${encodeURIComponent(token)}`;
        const { text } = await page(`prefix=${encodeURIComponent(prefix)}&encoding-type=url${more}`);
        keys.push(...textsOf(text, 'Key').map((key) => decodeURIComponent(key.replaceAll('+', ' '))));
        [token] = textsOf(text, 'NextContinuationToken');
      } while (token !== undefined);
      return keys;
    },
    putMany: async (keys, bodyOf) => {
      const left = Iterator.from(keys);
      const putSome = async (): Promise<void> => {
        const connection = await Connection.open(caller.endpoint);
        try {
          for (const key of left) {
            const request = { method: 'PUT', path: pathOf(key), body: bodyOf(key) };
            connection.write(requestBytes(signByHeader(request, signingOf(caller))));
            const { status } = await connection.answer({ method: 'PUT', withinMs: WITHIN_MS });
            if (status !== 200) throw new Error(`PUT ${key} answered ${status}`);
          }
        } finally {
          connection.destroy();
        }
      };
      await Promise.all(Array.from({ length: CONNECTIONS }, putSome));
    },
  };
}

/** As signing wants it: everything but unreserved characters by its bytes. */
function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
