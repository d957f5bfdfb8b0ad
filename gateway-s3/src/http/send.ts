/** Writes a reply to the socket, whatever state the request's body was left in. */
import { Buffer } from 'node:buffer';
import type { ServerResponse } from 'node:http';
import type { ByteStream, Reply } from './reply.ts';
import type { RequestBody } from './requestBody.ts';
import type { Turns } from './turns.ts';

/** A longer answer is a bulk transfer, and takes turns with others. */
const BULK_BYTES = 256 << 10;
/**
 * So small a body goes out as text behind the text of its head, as one string: Node writes that at once from a piece of
 * memory of its own (16 KiB), where it gathers a head and a buffer into a vector first.
 */
export const PASTED_BYTES_MAX = 8 << 10;

export interface Sending {
  readonly response: ServerResponse;
  readonly body: RequestBody;
  readonly turns: Turns;
  readonly reply: Reply;
  readonly requestId: string;
  readonly hostId: string;
  /** The answer to HEAD, which has headers only. */
  readonly headOnly: boolean;
  /** The server is going down: the connection must not serve another request. */
  readonly closing: boolean;
}

/**
 * Resolves when nothing of the reply is needed any more: its bytes are handed to the operating system, or to the
 * response if they last; or the client is gone. Rejects if the reply's stream does.
 */
export async function send(sending: Sending): Promise<void> {
  const { response, reply, headOnly } = sending;
  const content = reply.body;
  const stream = isStream(content) ? content : undefined;
  try {
    if (response.destroyed || response.headersSent) return;
    const pieces = headOnly ? undefined : stream?.read();
    const lengthBytes = Number(reply.headers['content-length']);
    if (pieces && lengthBytes > BULK_BYTES) await sending.turns.take(BULK_BYTES);
    // Read before the head is sent: damage found in it can still be answered as the error it is.
    const first = pieces && (await pieces.next()).value;
    const aftermath = sending.body.aftermath();
    response.writeHead(reply.status, headersOf(sending, aftermath !== 'keep'));
    if (pieces && first) {
      if (aftermath === 'keep' && first.length === lengthBytes) {
        // The one piece of a small body goes out together with the head.
        if (stream?.lasting) response.end(first);
        else await handOver(response, (done) => response.end(first, done));
        await pieces.return(undefined);
        return;
      }
      await pump(first, pieces, sending);
    }
    const isText = typeof content === 'string';
    const text = headOnly || isStream(content) ? undefined : isText ? content : content?.latin1;
    const encoding = isText && !isAscii(content, reply) ? 'utf8' : 'latin1';
    if (aftermath === 'linger') {
      // The client has the whole answer before its connection ends: the length is in the head.
      if (text === undefined) response.flushHeaders();
      else response.write(text, encoding);
      await sending.body.linger();
      response.end();
    } else {
      response.end(text, encoding);
    }
  } finally {
    sending.body.release();
    stream?.close();
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

function isStream(body: Reply['body']): body is ByteStream {
  return typeof body === 'object' && 'read' in body;
}

/**
 * Whether each character of a text is one byte of it, by the length of {@link headersOf}. Such a text is put into bytes
 * ten times as fast when the encoding says so: half a millisecond of a listing.
 */
function isAscii(text: string, { headers }: Reply): boolean {
  return headers['content-length'] === String(text.length);
}

function carriesLength(status: number): boolean {
  return status !== 204 && status !== 304;
}

/** Memory held is one piece and the socket's buffer, however slow the reader. */
async function pump(
  first: Buffer,
  others: AsyncGenerator<Buffer, undefined, undefined>,
  { response, turns }: Sending,
): Promise<void> {
  for (
    let piece: Buffer | undefined = first;
    piece && !response.destroyed;
    piece = (await others.next()).value
  ) {
    const bytes = piece;
    await handOver(response, (done) => response.write(bytes, done));
    await turns.take(bytes.length);
  }
  await others.return(undefined);
}

/**
 * Resolves when what `write` writes is with the operating system, so that its memory may be used again, or when
 * the client is gone.
 */
function handOver(response: ServerResponse, write: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    // Of one that is gone already nobody tells.
    if (response.destroyed) {
      resolve();
      return;
    }
    const done = () => {
      response.off('close', done);
      resolve();
    };
    response.on('close', done);
    write(done);
  });
}
