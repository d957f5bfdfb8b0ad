/** What lies below the directory of extents and is no container in its place: nothing reads it, nothing removes it. */

import { containerCalled, isShard, shardOf } from './containerName.ts';
import type { ContainerInfo } from './contract.ts';
import type { Disk } from './disk.ts';

export interface StrayFile {
  /** Below the directory of extents; of a directory that is none of its own, the directory. */
  readonly path: string;
  readonly reason:
    | { readonly kind: 'noName' }
    /** A file where the directory of some containers is to be: none of those can be made. */
    | { readonly kind: 'noDirectory' }
    /** A directory, or a link that leads nowhere, with the name of a container. */
    | { readonly kind: 'noFile'; readonly called: Pick<ContainerInfo, 'container' | 'kind'> }
    /** It has the name of a container of another directory. */
    | { readonly kind: 'elsewhere'; readonly called: Pick<ContainerInfo, 'container' | 'kind'> };
}

/** Made by file systems themselves. */
const LOST_AND_FOUND = 'lost+found';

/** In order of path. @throws Error with errno's code */
export async function strayFiles(disk: Pick<Disk, 'list' | 'status'>): Promise<readonly StrayFile[]> {
  const found: StrayFile[] = [];
  for (const top of [...(await disk.list(''))].sort()) {
    if (!isShard(top)) {
      if (top !== LOST_AND_FOUND) found.push({ path: top, reason: { kind: 'noName' } });
      continue;
    }
    if (await disk.status(top)) found.push({ path: top, reason: { kind: 'noDirectory' } });
    for (const name of [...(await disk.list(top))].sort()) {
      const path = `${top}/${name}`;
      const called = containerCalled(name);
      if (!called) found.push({ path, reason: { kind: 'noName' } });
      else if (shardOf(called.container) !== top) found.push({ path, reason: { kind: 'elsewhere', called } });
      else if (!(await disk.status(path))) found.push({ path, reason: { kind: 'noFile', called } });
    }
  }
  return found;
}
