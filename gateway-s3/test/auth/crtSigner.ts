/** An independent signer: the AWS Common Runtime's. */
import { auth, http } from 'aws-crt';
import type { WireRequest } from './requests.ts';

export const crtSigner = { accessKeyId: 'AKIAFACETCRT00000001', secretAccessKey: 'c0mmon/run+time=secret' };
export const crtTime = '20260314T150926Z';

const provider = auth.AwsCredentialsProvider.newStatic(crtSigner.accessKeyId, crtSigner.secretAccessKey);

export interface CrtRequest {
  readonly method: string;
  /** Path and query as they go on the wire. */
  readonly target: string;
  /** Unicode text: it travels as UTF-8. */
  readonly headers: readonly (readonly [string, string])[];
  /** The value of `x-amz-content-sha256`; default `UNSIGNED-PAYLOAD`. */
  readonly payloadHash?: string;
  /** Given: a presigned URL of that lifetime. */
  readonly expiresSeconds?: number;
}

export async function signWithCrt({
  method,
  target,
  headers,
  payloadHash = 'UNSIGNED-PAYLOAD',
  expiresSeconds,
}: CrtRequest): Promise<WireRequest> {
  const pairs = headers.map(([name, value]): [string, string] => [name, value]);
  const presign = expiresSeconds !== undefined;
  const signed = await auth.aws_sign_request(
    new http.HttpRequest(method, target, new http.HttpHeaders(pairs)),
    {
      algorithm: auth.AwsSigningAlgorithm.SigV4,
      signature_type: presign
        ? auth.AwsSignatureType.HttpRequestViaQueryParams
        : auth.AwsSignatureType.HttpRequestViaHeaders,
      provider,
      region: 'eu-central-9',
      service: 's3',
      date: new Date('2026-03-14T15:09:26Z'),
      use_double_uri_encode: false,
      should_normalize_uri_path: false,
      signed_body_value: payloadHash,
      signed_body_header: presign
        ? auth.AwsSignedBodyHeaderType.None
        : auth.AwsSignedBodyHeaderType.XAmzContentSha256,
      ...(presign && { expiration_in_seconds: expiresSeconds }),
    },
  );
  const question = signed.path.indexOf('?');
  return {
    method: signed.method,
    rawPath: question < 0 ? signed.path : signed.path.slice(0, question),
    rawQuery: question < 0 ? '' : signed.path.slice(question + 1),
    rawHeaders: signed.headers._flatten().flatMap(([name, value]) => [name, onTheWire(value)]),
  };
}

/** What Node's parser makes of the text's UTF-8 bytes. */
function onTheWire(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
