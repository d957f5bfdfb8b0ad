/** `<data>/admin.json`: how commands on the same machine find and enter the running server's admin API. */

import { readFileSync, rmSync } from 'node:fs';
import { z } from 'zod';
import { writePrivateFile } from '../store/privateFile.ts';

const adminEndpoint = z.object({ url: z.url(), token: z.string().min(1), pid: z.number() });
export type AdminEndpoint = z.infer<typeof adminEndpoint>;

export function writeAdminEndpoint(path: string, endpoint: AdminEndpoint): void {
  writePrivateFile(path, `${JSON.stringify(endpoint, undefined, 2)}\n`);
}

/** Undefined when there is none or it is being replaced. It may be that of a server which was killed. */
export function readAdminEndpoint(path: string): AdminEndpoint | undefined {
  try {
    return adminEndpoint.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}

export function removeAdminEndpoint(path: string): void {
  rmSync(path, { force: true });
}
