import { expect } from 'vitest';
import { type Credentials, madeCredentials, type RunningServer } from './facetProcess.ts';
import { presign } from './presign.ts';

/** Stores an object, or, where the path is one name, makes a bucket. By the root key unless told. */
export async function put(
  server: RunningServer,
  path: string,
  { body = '', as = madeCredentials(server) }: { readonly body?: string; readonly as?: Credentials } = {},
): Promise<void> {
  const url = presign('PUT', `${server.serving.s3.url}${path}`, as);
  expect((await fetch(url, { method: 'PUT', body })).status).toBe(200);
}
