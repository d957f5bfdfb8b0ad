/**
 * The whole way of a request body: what the headers promise, the decoder, and the comparison of the one with digests of
 * the other, which whoever moves the bytes computes. The same for PutObject, UploadPart and the operations whose body is XML.
 */
import type { Payload } from '../auth/payload.ts';
import type { HeaderMap } from '../auth/request.ts';
import { type ComputedAlgorithm, checksumHeaderName } from '../checksums/algorithms.ts';
import { checksumFrom, type DigestValues, digestOf, InlineDigests } from '../checksums/bodyDigests.ts';
import { type BytesChecksum, formatChecksum, parseChecksumValue } from '../checksums/value.ts';
import { S3Error } from '../errors.ts';
import { type BodyHeaders, readBodyHeaders } from './bodyHeaders.ts';
import type { BodyDecoder, TrailerMap } from './decoder.ts';
import { openDecoder } from './openDecoder.ts';

export interface IntakeOptions {
  readonly headers: HeaderMap;
  readonly payload: Payload;
  /** Object bytes at the most: EntityTooLarge beyond, before any byte is taken when the headers tell. */
  readonly lengthBytesMax: number;
  /** Compute the MD5 even if the client does not send one: the ETag of PutObject and UploadPart. */
  readonly md5: boolean;
  /** The checksum to keep when the client sends none: S3 keeps CRC64NVME, and an upload's own for its parts. */
  readonly defaultChecksum?: ComputedAlgorithm;
}

/** Known once every byte is in and every promise of the request about it held. */
interface IntakeResult {
  readonly lengthBytes: number;
  /** 16 bytes, when asked for or compared. */
  readonly md5: Buffer | undefined;
  /** The client's checksum (header or trailer), verified, or else the default one, computed. */
  readonly checksum: BytesChecksum | undefined;
}

/**
 * A body to be stored. **Bytes come out before they are proven** (see `decoder.ts`): they may be published only after
 * `end()` has returned. After a throw it is dead and must not be used again.
 */
export interface Intake {
  /** Object bytes to come. */
  readonly lengthBytes: number;
  /** What is to be computed of the object bytes. */
  readonly algorithms: ReadonlySet<ComputedAlgorithm>;
  /**
   * Takes wire bytes, which must not change afterwards; returns the object bytes among them, as views.
   * @throws S3Error as {@link BodyDecoder.push}
   */
  push(bytes: Buffer): readonly Buffer[];
  /**
   * Says that nothing more will come. `digests` are those of all object bytes that came out, by `algorithms`.
   * @throws S3Error as {@link BodyDecoder.end}, and XAmzContentSHA256Mismatch | BadDigest (Content-MD5, checksum) |
   *  InvalidRequest (a trailer that is not a checksum value)
   */
  end(digests: DigestValues): IntakeResult;
}

/**
 * Opens the body of PutObject or UploadPart. Throws before a byte of it is read, so before `100 Continue`.
 * @throws S3Error MissingContentLength | InvalidDigest | InvalidRequest | NotImplemented | EntityTooLarge
 */
export function openIntake(options: IntakeOptions): Intake {
  const { lengthBytesMax } = options;
  const promises = readBodyHeaders({ ...options, checksumHeaders: 'of-body' });
  const lengthBytes = promises.decodedContentLength ?? promises.contentLength;
  if (lengthBytes === undefined) throw new S3Error('MissingContentLength');
  if (lengthBytes > lengthBytesMax) {
    throw new S3Error('EntityTooLarge', undefined, {
      fields: { ProposedSize: String(lengthBytes), MaxSizeAllowed: String(lengthBytesMax) },
    });
  }
  const verifier = new BodyVerifier({ ...options, promises });
  return {
    lengthBytes,
    algorithms: verifier.algorithms,
    push: (bytes) => verifier.push(bytes),
    end: (digests) => ({ lengthBytes, ...verifier.end(digests) }),
  };
}

export interface WholeBodyOptions {
  readonly headers: HeaderMap;
  readonly payload: Payload;
  readonly lengthBytesMax: number;
  /** Default `of-body`. `of-object` for CompleteMultipartUpload: its checksum headers speak of the whole object. */
  readonly checksumHeaders?: 'of-body' | 'of-object';
}

/**
 * Reads a small body (XML) whole, proven. Empty when there is none.
 * @throws S3Error as {@link openIntake}, {@link Intake.push} and {@link Intake.end}; MaxMessageLengthExceeded in place
 *  of EntityTooLarge; never MissingContentLength for a plain body
 */
export async function readWholeBody(
  options: WholeBodyOptions,
  source: AsyncIterable<Buffer>,
): Promise<Buffer> {
  const promises = readBodyHeaders({ checksumHeaders: 'of-body', ...options });
  const tooLong = (): S3Error =>
    new S3Error('MaxMessageLengthExceeded', undefined, {
      fields: { MaxMessageLengthBytes: String(options.lengthBytesMax) },
    });
  const announced = promises.decodedContentLength ?? promises.contentLength ?? 0;
  if (announced > options.lengthBytesMax) throw tooLong();

  const verifier = new BodyVerifier({
    payload: options.payload,
    promises,
    md5: false,
  });
  const digests = new InlineDigests(verifier.algorithms);
  const whole = new Pieces();
  for await (const bytes of source) {
    for (const piece of verifier.push(bytes)) {
      if (whole.lengthBytes + piece.length > options.lengthBytesMax) throw tooLong();
      digests.update(piece);
      whole.push(piece);
    }
  }
  verifier.end(digests.end());
  return whole.joined();
}

/** More pieces than that become one: each takes some hundred bytes, and may have a single one. */
const PIECES_MAX = 1024;

class Pieces {
  #pieces: Buffer[] = [];
  lengthBytes = 0;

  push(piece: Buffer): void {
    this.#pieces.push(piece);
    this.lengthBytes += piece.length;
    if (this.#pieces.length === PIECES_MAX) this.#pieces = [this.joined()];
  }

  joined(): Buffer {
    const [first] = this.#pieces;
    if (this.#pieces.length === 1 && first !== undefined) return first;
    return Buffer.concat(this.#pieces, this.lengthBytes);
  }
}

interface BodyVerifierOptions {
  readonly payload: Payload;
  readonly promises: BodyHeaders;
  readonly md5: boolean;
  readonly defaultChecksum?: ComputedAlgorithm;
}

/** A decoder, and what the headers promised of what comes out of it. */
class BodyVerifier {
  readonly algorithms: ReadonlySet<ComputedAlgorithm>;
  readonly #decoder: BodyDecoder;
  readonly #promises: BodyHeaders;
  readonly #signedSha256: Buffer | undefined;
  readonly #kept: { readonly md5: boolean; readonly checksum: ComputedAlgorithm | undefined };

  constructor({ payload, promises, defaultChecksum, md5 }: BodyVerifierOptions) {
    this.#promises = promises;
    this.#decoder = openDecoder({ payload, ...promises });
    this.#signedSha256 = payload.kind === 'signed' ? Buffer.from(payload.sha256Hex, 'hex') : undefined;
    const kept = {
      md5: md5 || promises.contentMd5 !== undefined,
      checksum: promises.checksum?.algorithm ?? defaultChecksum,
    };
    this.#kept = kept;
    // A set: what is asked for under two names is computed once.
    const algorithms = new Set<ComputedAlgorithm>();
    if (kept.md5) algorithms.add('MD5');
    if (kept.checksum !== undefined) algorithms.add(kept.checksum);
    if (this.#signedSha256 !== undefined) algorithms.add('SHA256');
    this.algorithms = algorithms;
  }

  push(bytes: Buffer): readonly Buffer[] {
    return this.#decoder.push(bytes);
  }

  end(digests: DigestValues): Omit<IntakeResult, 'lengthBytes'> {
    const trailers = this.#decoder.end();
    if (this.#signedSha256 !== undefined) checkSha256(this.#signedSha256, digestOf(digests, 'SHA256'));
    const md5 = this.#kept.md5 ? digestOf(digests, 'MD5') : undefined;
    const checksum = this.#kept.checksum && checksumFrom(digests, this.#kept.checksum);
    checkMd5(this.#promises.contentMd5, md5);
    checkChecksum(promisedValue(this.#promises, trailers), checksum);
    return { md5, checksum };
  }
}

function promisedValue({ checksum }: BodyHeaders, trailers: TrailerMap): BytesChecksum | undefined {
  if (checksum === undefined) return undefined;
  if (checksum.in === 'header') return checksum.expected;
  const name = checksumHeaderName(checksum.algorithm);
  return parseChecksumValue(checksum.algorithm, trailers.get(name) ?? '', `${name} trailing header`);
}

function checkSha256(signed: Buffer, computed: Buffer): void {
  if (signed.equals(computed)) return;
  throw new S3Error('XAmzContentSHA256Mismatch', undefined, {
    fields: {
      ClientComputedContentSHA256: signed.toString('hex'),
      S3ComputedContentSHA256: computed.toString('hex'),
    },
  });
}

function checkMd5(expected: Buffer | undefined, computed: Buffer | undefined): void {
  if (expected === undefined || computed === undefined || expected.equals(computed)) return;
  throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.', {
    fields: { ExpectedDigest: expected.toString('base64'), CalculatedDigest: computed.toString('base64') },
  });
}

function checkChecksum(expected: BytesChecksum | undefined, computed: BytesChecksum | undefined): void {
  if (expected === undefined || computed === undefined) return;
  if (Buffer.compare(expected.value, computed.value) === 0) return;
  throw new S3Error(
    'BadDigest',
    `The ${expected.algorithm} you specified did not match the calculated checksum.`,
    { fields: { ExpectedDigest: formatChecksum(expected), CalculatedDigest: formatChecksum(computed) } },
  );
}
