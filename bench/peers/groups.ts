/** The rows by the server that they share: each group is measured on one that was just started on an empty disk. */

import type { GoProgram } from './install.ts';
import { directory } from './rows/directory.ts';
import { copies, multipart } from './rows/large.ts';
import { objects } from './rows/objects.ts';
import type { World } from './world.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

export interface Group {
  readonly name: string;
  /** What it needs beside the servers. */
  readonly program?: GoProgram;
  run(world: World): Promise<void>;
}

export const GROUPS: readonly Group[] = [
  {
    name: '4 KiB',
    async run(world) {
      const size = { name: '4 KiB', bytes: 4 * KIB };
      await objects(world, size, world.pace.connections);
      await copies(world, size);
    },
  },
  {
    name: '128 KiB',
    async run(world) {
      const size = { name: '128 KiB', bytes: 128 * KIB };
      await objects(world, size, world.pace.connections);
      await copies(world, size);
    },
  },
  {
    name: '64 MiB',
    async run(world) {
      const size = { name: '64 MiB', bytes: 64 * MIB };
      await objects(
        world,
        size,
        world.pace.connections.filter((connections) => connections <= 16),
      );
      await copies(world, size);
    },
  },
  { name: 'multipart', run: multipart },
  { name: 'directory', run: directory },
];
