/** Files below the directory of extents that are no containers. */

import { containerName, type StrayFile } from '@facet/extents';
import type { Inspection } from '../store.ts';
import { CONTAINERS } from './spaceCheck.ts';

/** One that has the name of what is missed may be that, or lead to it: it stays where whoever moved it finds it. */
export function reportStrays(
  { report }: Inspection,
  { strays, missing }: { readonly strays: readonly StrayFile[]; readonly missing: ReadonlySet<number> },
): void {
  for (const { path, reason } of strays) {
    const what = `file ${path}`;
    const isMissed = 'called' in reason && missing.has(reason.called.container);
    const how = reason.kind === 'elsewhere' ? 'move it there' : 'bring the file back';
    const advice = isMissed ? `that is missing: ${how}, and look again` : 'nothing refers to it';
    report(
      'strayFile',
      { what, where: CONTAINERS },
      `${describeStray(reason)}; ${advice}`,
      isMissed ? undefined : { path },
    );
  }
}

function describeStray(reason: StrayFile['reason']): string {
  switch (reason.kind) {
    case 'noName':
      return 'its name is no container’s';
    case 'noDirectory':
      return 'a directory of containers is to have its name, and none of those can be made';
    case 'noFile':
      return 'its name is a container’s, and it is no file';
    case 'elsewhere': {
      const { container, kind } = reason.called;
      return `its name is that of ${containerName(container, kind)}, in another directory`;
    }
  }
}
