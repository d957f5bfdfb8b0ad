/** The store that a command meets, and the shape of what it says of failures. */

import { z } from 'zod';
import { type Deferral, serve, stop, temporaryDirectory } from '../facetProcess.ts';

export const errorShape = z.object({
  error: z.object({ code: z.string(), message: z.string(), exitCode: z.number() }),
});

export const kinds = ['a running server', 'no server'] as const;

/** A store with a server on it, or one that a server left. */
export async function storeWith(kind: (typeof kinds)[number], defer?: Deferral): Promise<string> {
  const data = temporaryDirectory(defer);
  const running = await serve({ data, ...(defer === undefined ? {} : { defer }) });
  if (kind === 'no server') await stop(running);
  return data;
}
