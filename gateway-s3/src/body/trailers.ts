/** The lines behind the last chunk of an aws-chunked body. */
import type { Payload } from '../auth/payload.ts';
import { S3Error } from '../errors.ts';
import type { ChunkSignatures } from './chunkSignatures.ts';
import type { TrailerMap } from './decoder.ts';
import { badFraming } from './incomplete.ts';

/** All trailer lines together; the longest in use (a SHA-512 and a signature) come to about 210. */
const TRAILER_BYTES_MAX = 1024;
const SIGNATURE_NAME = 'x-amz-trailer-signature';

export interface TrailerSectionOptions {
  readonly kind: Payload['kind'];
  /** Declared names: each must come, once, and no other may. */
  readonly trailerNames: readonly string[];
  readonly signatures: ChunkSignatures | undefined;
}

export class TrailerSection {
  readonly #allowed: boolean;
  readonly #declared: ReadonlySet<string>;
  /** Given when the trailers must be signed. */
  readonly #signatures: ChunkSignatures | undefined;
  readonly #values = new Map<string, string>();
  #signature: string | undefined;
  #leftBytes = TRAILER_BYTES_MAX;

  constructor({ kind, trailerNames, signatures }: TrailerSectionOptions) {
    this.#allowed = kind !== 'streaming-signed';
    this.#declared = new Set(trailerNames);
    this.#signatures = kind === 'streaming-signed-trailer' ? signatures : undefined;
  }

  /** Bytes the next line may have. */
  get leftBytes(): number {
    return this.#leftBytes;
  }

  get values(): TrailerMap {
    return this.#values;
  }

  /** @throws S3Error IncompleteBody | MalformedTrailerError */
  add(line: string): void {
    if (!this.#allowed) throw badFraming('bytes follow its last chunk');
    // The signature covers what stands before it, so nothing may stand behind it.
    if (this.#signature !== undefined) throw malformed();
    this.#leftBytes -= line.length;
    const colon = line.indexOf(':');
    if (colon <= 0) throw malformed();
    const name = line.slice(0, colon).toLowerCase();
    // Some clients end a trailer with LF CRLF: the LF is white space here.
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t\n]+$/g, '');
    if (name === SIGNATURE_NAME && this.#signatures !== undefined) {
      this.#signature = value;
    } else if (this.#declared.has(name) && !this.#values.has(name)) {
      this.#values.set(name, value);
    } else {
      throw malformed();
    }
  }

  /** @throws S3Error MalformedTrailerError | SignatureDoesNotMatch */
  close(): void {
    if (this.#values.size !== this.#declared.size) throw malformed();
    if (this.#signatures === undefined) return;
    if (this.#signature === undefined) throw malformed();
    this.#signatures.checkTrailers(this.#values, this.#signature);
  }
}

function malformed(): S3Error {
  return new S3Error('MalformedTrailerError');
}
