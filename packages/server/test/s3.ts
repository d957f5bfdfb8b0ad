/** S3 by `fetch`, as far as tests of the server need it. */

import { expect } from 'vitest';
import { type Credentials, madeCredentials, type RunningServer } from './facetProcess.ts';
import { presign } from './presign.ts';

export function s3(
  server: RunningServer,
  method: 'GET' | 'PUT' | 'DELETE',
  path: string,
  { as, body }: { readonly as: Credentials; readonly body?: string },
): Promise<Response> {
  const url = presign(method, `${server.serving.s3.url}${path}`, as);
  return fetch(url, { method, ...(body === undefined ? {} : { body }) });
}

/** Stores an object, or, where the path is one name, makes a bucket. By the root key unless told. */
export async function put(
  server: RunningServer,
  path: string,
  { body = '', as = madeCredentials(server) }: { readonly body?: string; readonly as?: Credentials } = {},
): Promise<void> {
  expect((await s3(server, 'PUT', path, { as, body })).status).toBe(200);
}
