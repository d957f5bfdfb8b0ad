/** What an operation answers; the only thing that is ever written to a socket by this door. */

/** Bytes to come, and what they are read from, which is closed in any case: also when nobody reads. */
export interface ByteStream {
  read(): AsyncGenerator<Buffer, undefined, undefined>;
  /** Pieces stay as they are. Else who reads is done with one before asking for the next, and before `return`. */
  readonly lasting: boolean;
  close(): void;
}

/** Bytes as text, one a character. */
interface ByteText {
  readonly latin1: string;
}

export interface Reply {
  readonly status: number;
  /** Lower-case names. `content-length` is added for a string; bytes must bring their own. */
  readonly headers: Record<string, string>;
  readonly body?: string | ByteText | ByteStream;
}

export function emptyReply(headers: Record<string, string> = {}): Reply {
  return { status: 200, headers };
}

export function noContent(headers: Record<string, string> = {}): Reply {
  return { status: 204, headers };
}

export function xmlReply(document: string, headers: Record<string, string> = {}): Reply {
  headers['content-type'] = 'application/xml';
  return { status: 200, headers, body: document };
}
