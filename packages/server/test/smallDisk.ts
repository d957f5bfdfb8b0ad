/** A small disk of a test's own: a tmpfs in a mount namespace that a process keeps. Needs no root. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { expect, onTestFinished } from 'vitest';
import { temporaryDirectory } from './facetProcess.ts';

const [NAMESPACE, ...OF_ITS_OWN] = ['unshare', '--user', '--map-root-user', '--mount'] as const;

/** Why there can be none on this machine; undefined when there can. */
export function noSmallDisk(): string | undefined {
  const probe = spawnSync(NAMESPACE, [...OF_ITS_OWN, 'mount', '-t', 'tmpfs', 'none', '/mnt']);
  return probe.status === 0 ? undefined : 'this machine lets no user mount a file system of his own';
}

export interface SmallDisk {
  /** Where it is mounted, for those inside. */
  readonly path: string;
  /** The same folder, for those outside. */
  readonly seen: string;
  /** What a command inside is started with. */
  readonly under: readonly string[];
}

export async function smallDisk({ megabytes }: { readonly megabytes: number }): Promise<SmallDisk> {
  const path = temporaryDirectory();
  const script = `mount -t tmpfs -o size=${megabytes}m none "$0" && echo mounted && exec sleep 1000000`;
  const keeper = spawn(NAMESPACE, [...OF_ITS_OWN, 'sh', '-c', script, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    keeper.kill('SIGKILL');
  });
  await once(keeper.stdout, 'data');
  const pid = String(keeper.pid);
  return {
    path,
    seen: `/proc/${pid}/root${path}`,
    under: ['nsenter', '--target', pid, '--user', '--mount', '--preserve-credentials', '--'],
  };
}

/** Of a disk, to its last block, by a file of that name. */
export function takeTheRest(filler: string): void {
  for (let blockBytes = 1 << 20; blockBytes >= 4096; ) {
    try {
      appendFileSync(filler, Buffer.alloc(blockBytes));
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' });
      blockBytes /= 2;
    }
  }
}
