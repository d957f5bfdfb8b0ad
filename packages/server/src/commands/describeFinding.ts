import type { Finding } from '@facet/core';
import { describeAffected } from './affectedObjects.ts';

export function describeFinding({ kind, what, where, detail, objects = [] }: Finding): string {
  // 'the containers', 'the store': what it is part of is no news.
  const place = where.startsWith('the ') ? what : `${what}, ${where}`;
  return `${kind}: ${place}: ${detail}${describeAffected(objects)}`;
}
