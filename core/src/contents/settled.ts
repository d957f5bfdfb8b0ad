/**
 * Bytes just stored are settled once the metadata knows of them: published, or handed to the collector. Until
 * then only this process does, and after a crash only recovery can tell. Whoever keeps count of that is told.
 */

import type { Location } from '@facet/extents';
import type { StagedBody } from '../objects/types.ts';

const waiting = new WeakMap<Location, () => void>();

/** `told` is called when a commit knows of the bytes that this very location stands for. */
export function whenSettled(location: Location, told: () => void): void {
  waiting.set(location, told);
}

export function settle(body: StagedBody): void {
  if (body.kind !== 'extent') return;
  waiting.get(body.location)?.();
  waiting.delete(body.location);
}
