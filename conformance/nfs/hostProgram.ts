/** What a kernel's mount is worked on with: the programs of this machine, which it sees. */
import { Skip } from '../runner/suite.ts';
import type { KernelClient } from './kernelClient.ts';

/** @throws Skip where this machine has no such program */
export async function needProgram(mount: KernelClient, program: string): Promise<void> {
  const found = await mount.run(`command -v ${program} || true`);
  if (found.trim() === '')
    throw new Skip(`this machine has no ${program} (Debian: apt-get install ${program})`);
}
