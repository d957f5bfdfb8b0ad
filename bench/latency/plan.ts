/** What both processes of the measurement know. */

import type { RequestPlan } from '../load/request.ts';

export const BUCKET = '/latency';
const KiB = 1024;
export const PROBE_BYTES = 4 * KiB;
export const PROBE_KEYS = 1000;
/** Of each kind. */
export const TRANSFERS = 4;

export const createBucket: RequestPlan = { method: 'PUT', path: BUCKET };

export const probe = (at: number, body?: Buffer): RequestPlan => ({
  method: body === undefined ? 'GET' : 'PUT',
  path: `${BUCKET}/small/${at % PROBE_KEYS}`,
  ...(body && { body }),
});

export const largePath = (kind: 'read' | 'written', at: number): string => `${BUCKET}/${kind}/${at}`;
