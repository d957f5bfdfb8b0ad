/** Keys of contents, and of the space that is given back when they are dropped. */

import type { Buffer } from 'node:buffer';
import type { ContainerId } from '@facet/extents';
import type { ContentId } from '../../ids.ts';
import { getU64 } from '../bigEndian.ts';
import { withU64, withU64Pair } from './prefixes.ts';
import { type Bounds, prefixBounds, SPACE } from './spaces.ts';

export const contentKey = (content: ContentId): Buffer => withU64(SPACE.content, content);
export const contentOfKey = (key: Uint8Array): number => getU64(key, 1);

export const contentMapKey = (content: ContentId, offset: number): Buffer =>
  withU64Pair(SPACE.contentMap, content, offset);
export const contentMapOf = (content: ContentId): Bounds => prefixBounds(withU64(SPACE.contentMap, content));
export const offsetOfMapKey = (key: Uint8Array): number => getU64(key, 9);

// ---- space ----

export const freeKey = (sequence: number): Buffer => withU64(SPACE.free, sequence);
export const reclaimKey = (sequence: number): Buffer => withU64(SPACE.reclaim, sequence);
/** The sequence of a free or reclaim key. */
export const sequenceOfKey = (key: Uint8Array): number => getU64(key, 1);

export const deadRunKey = (container: ContainerId, offset: number): Buffer =>
  withU64Pair(SPACE.deadRun, container, offset);
export const deadRunsOf = (container: ContainerId): Bounds => prefixBounds(withU64(SPACE.deadRun, container));
export const containerOfRunKey = (key: Uint8Array): number => getU64(key, 1);
export const offsetOfRunKey = (key: Uint8Array): number => getU64(key, 9);
export const containerKey = (container: ContainerId): Buffer => withU64(SPACE.container, container);
