/** One hostile request: the bytes, what S3 answers, and that it changed nothing. */
import { type Answer, Connection, NoAnswer } from '../wire/connection.ts';
import { type Ask, requestBytes, type SignedRequest, type Signing, signByHeader } from '../wire/request.ts';
import { signingOf } from '../wire/send.ts';
import type { HeaderLine } from '../wire/sigv4.ts';
import { stateOf, type Target } from './target.ts';

export interface Wire {
  readonly bytes: Buffer;
  /** HEAD's answer has no body to read. */
  readonly method: string;
  /** What the client does after its last byte: waits, says that it is done, or is gone. */
  readonly ending: 'wait' | 'half-close' | 'reset';
}

export interface Expectation {
  /** `none`: the connection ends without an answer, or the client did not stay for one. */
  readonly status: number | 'none';
  /** S3's error code; absent where S3 answers with success, or HTTP forbids a body. */
  readonly code?: string;
  /** The whole body of a success. */
  readonly body?: string;
  /** Part of the answer's text. */
  readonly contains?: string;
}

export interface Row {
  readonly name: string;
  readonly send: (target: Target) => Wire;
  readonly expect: Expectation;
}

const WITHIN_MS = 15_000;

/** @throws Error that says what was answered instead, or what was changed */
export async function checkRow(row: Row, target: Target): Promise<void> {
  const { expect } = row;
  const answer = await exchange(row.send(target), target);
  const told = answer === undefined ? 'no answer' : `${answer.status} ${answer.code ?? ''}`.trim();
  const wanted = expect.status === 'none' ? 'no answer' : `${expect.status} ${expect.code ?? ''}`.trim();
  if (told !== wanted) throw new Error(`S3 answers ${wanted}; this was ${told}: ${answer?.text ?? ''}`);
  if (expect.body !== undefined && answer?.text !== expect.body) {
    throw new Error(`the body is ${JSON.stringify(answer?.text)}, not ${JSON.stringify(expect.body)}`);
  }
  if (expect.contains !== undefined && !answer?.text.includes(expect.contains)) {
    throw new Error(`the answer lacks ${expect.contains}: ${answer?.text}`);
  }
  const after = await stateOf(target);
  const before = target.seen.state;
  // Also when it did change: the next row is judged by itself.
  target.seen.state = after;
  if (after !== before) throw new Error(`it changed what is stored, from\n${before}\nto\n${after}`);
}

async function exchange({ bytes, method, ending }: Wire, { caller }: Target): Promise<Answer | undefined> {
  const connection = await Connection.open(caller.endpoint);
  try {
    connection.write(bytes);
    if (ending === 'reset') {
      connection.socket.resetAndDestroy();
      return undefined;
    }
    if (ending === 'half-close') connection.halfClose();
    return await connection.answer({ method, withinMs: WITHIN_MS });
  } catch (error) {
    if (error instanceof NoAnswer && !error.message.includes('in time')) return undefined;
    throw error;
  } finally {
    connection.destroy();
  }
}

// ---- a correct request, with one thing wrong ----

/** Signs as the target's owner; `signing` says what is wrong with that. */
export function signed(target: Target, ask: Ask, signing: Partial<Signing> = {}): SignedRequest {
  return signByHeader(ask, { ...signingOf(target.caller), ...signing });
}

export function wire(request: SignedRequest, ending: Wire['ending'] = 'wait'): Wire {
  return { bytes: requestBytes(request), method: request.method, ending };
}

/** A PUT of four bytes to a key that does not exist. */
export function put(target: Target, headers: readonly HeaderLine[] = []): Ask {
  return { method: 'PUT', path: `/${target.bucket}/new`, headers, body: 'data' };
}

/** Changes a header after the request was signed. */
export function withHeader(
  request: SignedRequest,
  name: string,
  change: (value: string) => string,
): SignedRequest {
  const headers = request.headers.map(
    ([given, value]): HeaderLine => [given, given.toLowerCase() === name ? change(value) : value],
  );
  return { ...request, headers };
}

/** Adds header lines after the request was signed. */
export function plusHeaders(request: SignedRequest, ...lines: readonly HeaderLine[]): SignedRequest {
  return { ...request, headers: [...request.headers, ...lines] };
}

export function withoutHeader(request: SignedRequest, name: string): SignedRequest {
  return { ...request, headers: request.headers.filter(([given]) => given.toLowerCase() !== name) };
}
