/** Requests for tests, out of the text a person would write. */
import { parseQuery, type RequestHead, readHeaders } from '../../src/auth/request.ts';
import { type Authentication, type Credential, createVerifier } from '../../src/auth/verify.ts';

export interface WireRequest {
  readonly method: string;
  readonly rawPath: string;
  readonly rawQuery: string;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
}

export function headOf({ method, rawPath, rawQuery, rawHeaders }: WireRequest): RequestHead {
  return { method, rawPath, query: parseQuery(rawQuery), headers: readHeaders(rawHeaders) };
}

export interface Signer {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Verifies one request as a server would that knows one key, at `time` (`YYYYMMDDTHHMMSSZ`). */
export async function verifyAt(
  time: string,
  { accessKeyId, secretAccessKey }: Signer,
  request: WireRequest,
): Promise<Authentication<Credential>> {
  const verify = createVerifier({
    lookup: (id) => (id === accessKeyId ? { secretAccessKey } : undefined),
    now: () => msOf(time),
  });
  return await verify(headOf(request));
}

export function msOf(time: string): number {
  return Date.parse(time.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
}
