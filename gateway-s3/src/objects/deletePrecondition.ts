/** The conditions of DeleteObject (in headers) and of each entry of DeleteObjects (in XML). */
import type { ObjectView } from '@facet/core';
import { invalidArgument, parseInteger } from '../request.ts';
import { atSecond, parseHttpDate } from './dates.ts';
import { parseEtagList } from './etags.ts';

export type DeletePrecondition = Pick<Parameters<ObjectView['delete']>[0], 'precondition'>;

export interface DeleteConditions {
  readonly etag: string | undefined;
  /** An HTTP date or an ISO date. */
  readonly lastModified: string | undefined;
  readonly size: string | undefined;
}

/** @throws S3Error InvalidArgument */
export function readDeletePrecondition({ etag, lastModified, size }: DeleteConditions): DeletePrecondition {
  if (etag === undefined && lastModified === undefined && size === undefined) return {};
  const ifMatch = parseEtagList(etag);
  const seconds = lastModified === undefined ? undefined : parseTime(lastModified);
  return {
    precondition: {
      ...(ifMatch !== undefined && { ifMatch }),
      ...(seconds !== undefined && { ifMatchLastModified: atSecond(seconds) }),
      ...(size !== undefined && {
        ifMatchSize: parseInteger(size, 'Size', { min: 0, max: Number.MAX_SAFE_INTEGER }),
      }),
    },
  };
}

function parseTime(text: string): number {
  const iso = /^\d{4}-\d{2}-\d{2}T/.test(text) ? Math.floor(Date.parse(text) / 1000) : parseHttpDate(text);
  if (iso !== undefined && iso >= 0) return iso;
  throw invalidArgument('LastModifiedTime', text, 'The time is neither an HTTP date nor an ISO date.');
}
