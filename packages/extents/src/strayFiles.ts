/** What lies below the directory of extents and is no container in its place: nothing reads it, nothing removes it. */

import { containerCalled, isShard, shardOf } from './containerName.ts';
import type { ContainerInfo } from './contract.ts';
import type { Disk } from './disk.ts';

export interface StrayFile {
  /** Below the directory of extents; of a directory that is none of its own, the directory. */
  readonly path: string;
  /** Whose name it has, where that is one, in the wrong directory. */
  readonly called?: Pick<ContainerInfo, 'container' | 'kind'>;
}

/** Made by file systems themselves. */
const LOST_AND_FOUND = 'lost+found';

/** In order of path. @throws Error with errno's code */
export async function strayFiles(disk: Pick<Disk, 'list'>): Promise<readonly StrayFile[]> {
  const found: StrayFile[] = [];
  for (const top of [...(await disk.list(''))].sort()) {
    if (!isShard(top)) {
      if (top !== LOST_AND_FOUND) found.push({ path: top });
      continue;
    }
    for (const name of [...(await disk.list(top))].sort()) {
      const called = containerCalled(name);
      if (called && shardOf(called.container) === top) continue;
      found.push({ path: `${top}/${name}`, ...(called && { called }) });
    }
  }
  return found;
}
