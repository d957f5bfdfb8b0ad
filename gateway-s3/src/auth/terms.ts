/**
 * What a client signs under. Nearly every request of a client on one day says the same here, so what was read from a
 * text is remembered by that text.
 */
import type { S3Error } from '../errors.ts';

/** Whose key signs, and for when and where it was derived. */
export interface CredentialScope {
  /** All of it, as the client wrote it: `AKID/YYYYMMDD/REGION/s3/aws4_request`. */
  readonly credential: string;
  readonly accessKeyId: string;
  /** `YYYYMMDD` */
  readonly date: string;
  readonly region: string;
  /** `YYYYMMDD/region/s3/aws4_request`: what the string to sign calls the scope. */
  readonly scope: string;
}

export interface SignedHeaders {
  /** Lower-case. */
  readonly names: ReadonlySet<string>;
  /** The names in the client's order, with semicolons between them. */
  readonly text: string;
}

export interface SigningTerms {
  readonly scope: CredentialScope;
  readonly signedHeaders: SignedHeaders;
}

/** Makes the error of the place that the terms were read from. */
type Malformed = (detail: string) => S3Error;

// The decoded query can hold any byte; a line break in a scope would blur the string that is signed.
const VISIBLE = /^[\x21-\x7e]{1,128}$/;

/** Reads `AKID/YYYYMMDD/REGION/s3/aws4_request`. @throws what `malformed` makes */
export function parseCredential(credential: string, malformed: Malformed): CredentialScope {
  const parts = credential.split('/');
  const [accessKeyId = '', date = '', region = '', service = '', terminal = ''] = parts;
  if (parts.length !== 5 || !VISIBLE.test(accessKeyId) || !VISIBLE.test(region)) {
    throw malformed(
      'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    );
  }
  if (!/^\d{8}$/.test(date)) {
    throw malformed(
      `incorrect date format "${date}". This date in the credential must be in the format "yyyyMMdd".`,
    );
  }
  if (service !== 's3') throw malformed(`incorrect service "${service}". This endpoint belongs to "s3".`);
  if (terminal !== 'aws4_request') {
    throw malformed(`incorrect terminal "${terminal}". This endpoint uses "aws4_request".`);
  }
  return { credential, accessKeyId, date, region, scope: credential.slice(accessKeyId.length + 1) };
}

const HEADER_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;

/** Reads lower-case names with semicolons between them. @throws what `malformed` makes */
export function parseSignedHeaders(text: string, malformed: Malformed): SignedHeaders {
  const list = text.split(';');
  const names = new Set(list);
  if (names.size !== list.length || !list.every((name) => HEADER_NAME.test(name))) {
    throw malformed('SignedHeaders must be lower-case header names, each once, separated by semicolons.');
  }
  return { names, text };
}

/** A few hundred clients of a few kinds of requests each. */
const KNOWN_TERMS_MAX = 1000;
/** No SDK signs so many headers that its terms are longer. */
const KNOWN_TEXT_LENGTH_MAX = 1024;

/** Terms by the whole text they were read from. What a request is worth is never remembered, only what it says. */
export class KnownTerms {
  readonly #byText = new Map<string, SigningTerms>();

  get size(): number {
    return this.#byText.size;
  }

  find(text: string): SigningTerms | undefined {
    return this.#byText.get(text);
  }

  /** Only for requests that verified: the memory is not for strangers to fill. */
  keep(text: string, terms: SigningTerms): void {
    if (text.length > KNOWN_TEXT_LENGTH_MAX) return;
    if (this.#byText.size >= KNOWN_TERMS_MAX) this.#byText.clear();
    this.#byText.set(text, terms);
  }
}
