/** A request signed by header and one signed by query, what can be changed of them, and what is then to be refused. */

import { describe, expect, test } from 'vitest';
import { crtSigner, crtTime, signWithCrt } from './crtSigner.ts';
import { verifyAt, type WireRequest } from './requests.ts';

const unsigned = {
  method: 'GET',
  target: '/bucket/key',
  headers: [['Host', 'localhost:9000']],
} as const;
export const byHeader: WireRequest = await signWithCrt(unsigned);
export const presigned: WireRequest = await signWithCrt({ ...unsigned, expiresSeconds: 600 });

export function withHeader(
  request: WireRequest,
  name: string,
  change: (value: string) => string,
): WireRequest {
  const rawHeaders = request.rawHeaders.map((text, i, all) =>
    i % 2 === 1 && all[i - 1]?.toLowerCase() === name ? change(text) : text,
  );
  expect(rawHeaders).not.toEqual(request.rawHeaders);
  return { ...request, rawHeaders };
}

export function withoutHeader(request: WireRequest, name: string): WireRequest {
  const keep = request.rawHeaders.flatMap((text, i, all) =>
    i % 2 === 0 && text.toLowerCase() !== name ? [text, all[i + 1] ?? ''] : [],
  );
  return { ...request, rawHeaders: keep };
}

export function plusHeader(request: WireRequest, name: string, value: string): WireRequest {
  return { ...request, rawHeaders: [...request.rawHeaders, name, value] };
}

export const authorization = (change: (value: string) => string) => () =>
  withHeader(byHeader, 'authorization', change);

export const query = (pattern: RegExp | string, replacement: string) => () => {
  const rawQuery = presigned.rawQuery.replace(pattern, replacement);
  expect(rawQuery).not.toBe(presigned.rawQuery);
  return { ...presigned, rawQuery };
};

export interface Refusal {
  readonly name: string;
  readonly request: () => WireRequest;
  readonly code: string;
  readonly status: number;
  readonly message?: RegExp;
  /** When the server gets it; default: when it was signed. */
  readonly time?: string;
}

/** Each gets the code that S3 refuses it with. */
export function describeRefusals(by: string, refusals: readonly Refusal[]): void {
  describe(by, () => {
    test.each(refusals)('$name → $code', async ({ request, time, code, status, message }) => {
      const refused = verifyAt(time ?? crtTime, crtSigner, request());
      await expect(refused).rejects.toMatchObject({ name: 'S3Error', code, status });
      if (message !== undefined) await expect(refused).rejects.toThrow(message);
    });
  });
}
