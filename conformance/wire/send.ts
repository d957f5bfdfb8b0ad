/** One correct request on a connection of its own, and its answer: for checks around what is tested. */
import { type Answer, Connection } from './connection.ts';
import { type Ask, requestBytes, type Signing, signByHeader } from './request.ts';
import type { Credentials } from './sigv4.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

const WITHIN_MS = 30_000;

export interface Caller {
  readonly endpoint: Endpoint;
  readonly credentials: Credentials;
}

/** What a correct request of this caller is signed with. */
export function signingOf({ endpoint, credentials }: Caller): Signing {
  return { credentials, host: `${endpoint.host}:${endpoint.port}` };
}

export async function send(caller: Caller, ask: Ask): Promise<Answer> {
  const connection = await Connection.open(caller.endpoint);
  try {
    connection.write(requestBytes(signByHeader(ask, signingOf(caller))));
    return await connection.answer({ method: ask.method ?? 'GET', withinMs: WITHIN_MS });
  } finally {
    connection.destroy();
  }
}

/** @throws Error when the answer's status is not 2xx */
export async function sendExpectingSuccess(caller: Caller, ask: Ask): Promise<Answer> {
  const answer = await send(caller, ask);
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw new Error(`${ask.method ?? 'GET'} ${ask.path} answered ${answer.status}: ${answer.text}`);
}

/** The texts of every `<name>` of a document, references replaced. */
export function textsOf(xml: string, name: string): string[] {
  return Array.from(xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g')), ([, text = '']) =>
    text.replace(
      /&(?:#(\d+)|#x([0-9A-Fa-f]+)|(\w+));/g,
      (_, decimal?: string, hex?: string, named?: string) =>
        named !== undefined
          ? (NAMED[named] ?? '\ufffd')
          : String.fromCodePoint(decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)),
    ),
  );
}

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
