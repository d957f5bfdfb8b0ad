import type { AffectedObject } from '@facet/core';

/** In a line; `--json` has them all. */
const OBJECTS_NAMED_MAX = 5;

/** Whose bytes are meant, as the end of a line; nothing where that is not known. */
export function describeAffected(objects: readonly AffectedObject[]): string {
  const named = objects.slice(0, OBJECTS_NAMED_MAX).map(describeObject);
  const more = objects.length - named.length;
  const affected = [...named, ...(more > 0 ? [`${more} more`] : [])].join(', ');
  return affected === '' ? '' : `: bytes of ${affected}`;
}

/** Where bytes of the store are damaged, as a line. `container`: the path below `extents/`. */
export function describeDamagedPlace(place: {
  readonly container: string;
  readonly offset: number;
  readonly reason: string;
  readonly objects: readonly AffectedObject[];
}): string {
  const { container, offset, reason, objects } = place;
  return `damaged: container ${container} at ${offset}: ${reason}${describeAffected(objects)}`;
}

/** A record of the metadata that is damaged, as a line. */
export function describeDamagedRecord({
  key,
  kind,
}: {
  readonly key: string;
  readonly kind: string;
}): string {
  return `damaged: metadata record ${key} (${kind})`;
}

/** Quoted where the key holds what a terminal might act on, or what would be taken for the end of it. */
function describeObject({ volume, key, upload }: AffectedObject): string {
  const path = `${volume}/${key}`;
  const plain = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]+$/u.test(path) && !/[",\\]/.test(path);
  return `${plain ? path : JSON.stringify(path)}${upload === undefined ? '' : ` (upload ${upload})`}`;
}
