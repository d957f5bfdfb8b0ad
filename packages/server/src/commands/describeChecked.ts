import type { FsckReport } from '@facet/core';
import { counted } from './counted.ts';

/** How much a check looked at. */
export function describeChecked({ volumes, inodes, contents, containers, frames }: FsckReport): string {
  const looked = { volume: volumes, inode: inodes, content: contents, container: containers, frame: frames };
  const parts = Object.entries(looked).map(([noun, count]) => counted(count, noun));
  return `looked at ${parts.join(', ')}`;
}
