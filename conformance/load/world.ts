import assert from 'node:assert/strict';
import type { Server } from '../server/launch.ts';
import type { Caller } from '../wire/send.ts';
import { peakDuring } from './memory.ts';

const MIB = 1 << 20;
export interface World {
  readonly server: Server;
  readonly caller: Caller;
  readonly bucket: string;
  readonly large: boolean;
  tell(line: string): void;
}

/** Runs `work` and checks that the server's anonymous memory stayed within so much meanwhile. */
export async function withinMemory(
  { server, tell }: World,
  anonymousMebibytesMax: number,
  work: () => Promise<void>,
): Promise<void> {
  const started = performance.now();
  const peakBytes = await peakDuring(server.pid, work);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  tell(`at most ${Math.round(peakBytes / MIB)} MiB of anonymous memory in ${seconds} s`);
  const peakMebibytes = Math.round(peakBytes / MIB);
  assert.ok(peakMebibytes <= anonymousMebibytesMax, `${peakMebibytes} MiB of anonymous memory`);
}
