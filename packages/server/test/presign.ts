/**
 * Presigned S3 URLs, so that these tests can speak to the S3 door with nothing but `fetch`.
 * @source Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)"
 */

import { createHash, createHmac } from 'node:crypto';
import type { Credentials } from './facetProcess.ts';

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

export function presign(
  method: 'GET' | 'PUT' | 'DELETE' | 'HEAD',
  address: string,
  { accessKeyId, secretAccessKey }: Credentials,
): URL {
  const url = new URL(address);
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const day = time.slice(0, 8);
  const scope = `${day}/us-east-1/s3/aws4_request`;
  const query = new URLSearchParams({
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${accessKeyId}/${scope}`,
    'X-Amz-Date': time,
    'X-Amz-Expires': '300',
    'X-Amz-SignedHeaders': 'host',
  });
  url.search = query.toString();
  const request = [method, url.pathname, query.toString(), `host:${url.host}\n`, 'host', 'UNSIGNED-PAYLOAD'];
  const hash = createHash('sha256').update(request.join('\n')).digest('hex');
  const keyOfDay = hmac(`AWS4${secretAccessKey}`, day);
  const signingKey = hmac(hmac(hmac(keyOfDay, 'us-east-1'), 's3'), 'aws4_request');
  const signature = hmac(signingKey, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash}`).toString('hex');
  url.searchParams.set('X-Amz-Signature', signature);
  return url;
}
