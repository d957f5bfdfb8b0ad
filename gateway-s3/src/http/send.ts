/** Writes a reply to the socket, whatever state the request's body was left in. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Reply } from './reply.ts';
import type { RequestBody } from './requestBody.ts';

export interface Sending {
  readonly response: ServerResponse;
  readonly body: RequestBody;
  readonly reply: Reply;
  readonly requestId: string;
  readonly hostId: string;
  /** The answer to HEAD, which has headers only. */
  readonly headOnly: boolean;
  /** The server is going down: the connection must not serve another request. */
  readonly closing: boolean;
}

/** Resolves when the answer is handed to the operating system, or the client is gone. Rejects if the reply's stream does. */
export async function send(sending: Sending): Promise<void> {
  const { response, reply, headOnly } = sending;
  const content = reply.body;
  try {
    if (response.destroyed || response.headersSent) return;
    const aftermath = sending.body.aftermath();
    response.writeHead(reply.status, headersOf(sending, aftermath !== 'keep'));
    const text = typeof content === 'string' && !headOnly ? content : undefined;
    if (typeof content === 'object' && !headOnly) await pump(content.read(), response);
    if (aftermath === 'linger') {
      // The client has the whole answer before its connection ends: the length is in the head.
      if (text === undefined) response.flushHeaders();
      else response.write(text);
      await sending.body.linger();
      response.end();
    } else {
      response.end(text);
    }
  } finally {
    sending.body.release();
    if (typeof content === 'object') content.close();
  }
}

function headersOf(sending: Sending, close: boolean): Record<string, string> {
  const { reply } = sending;
  const headers = reply.headers;
  headers['x-amz-request-id'] = sending.requestId;
  headers['x-amz-id-2'] = sending.hostId;
  headers['server'] = 'Facet';
  if (typeof reply.body === 'string') headers['content-length'] = String(Buffer.byteLength(reply.body));
  else if (reply.body === undefined && carriesLength(reply.status)) headers['content-length'] ??= '0';
  if (close || sending.closing) headers['connection'] = 'close';
  return headers;
}

function carriesLength(status: number): boolean {
  return status !== 204 && status !== 304;
}

/** Memory held is one piece and the socket's buffer, however slow the reader. */
async function pump(
  pieces: AsyncGenerator<Buffer, undefined, undefined>,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  for await (const piece of pieces) {
    if (response.destroyed) return;
    if (!response.write(piece)) {
      try {
        await once(response, 'drain', { signal: gone.signal });
      } catch {
        return;
      }
    }
  }
}
