import type { Finding } from '@facet/core';
import { describeAffected } from './affectedObjects.ts';

export function describeFinding({ kind, what, where, detail, objects = [] }: Finding): string {
  return `${kind}: ${what}, ${where}: ${detail}${describeAffected(objects)}`;
}
