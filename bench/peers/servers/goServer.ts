/** Peers written in Go that keep each object as a file, in a directory that is as it comes, or synchronous. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type GoProgram, pathOf } from '../install.ts';
import { freePorts, startChild, synchronous } from './child.ts';
import { HOST, type Running, type Setup } from './server.ts';

interface At {
  /** For all that it keeps. */
  readonly folder: string;
  /** In it: for the objects. */
  readonly data: string;
  readonly port: number;
  /** For what else it listens on. */
  readonly otherPort: number;
  /** Everything is to be durable. */
  readonly synced: boolean;
}

interface GoServer {
  readonly program: GoProgram;
  /** What it wants done before it is started on empty folders. */
  readonly prepare?: (program: string, at: At) => Promise<void>;
  readonly command: (at: At) => { readonly words: readonly string[]; readonly env: NodeJS.ProcessEnv };
  /** Where its directory has to be synchronous for `everything` to be durable: in what. */
  readonly synchronous: { readonly what: 'SD' | 'D'; readonly name: string; readonly how: string };
  readonly asItComes: Pick<Setup, 'name' | 'how' | 'durability'>;
}

/** In both ways. */
export function goServer({ program, prepare, command, synchronous: synced, asItComes }: GoServer): Setup[] {
  const path = pathOf(program);
  const start = async (folder: string, what?: 'SD' | 'D'): Promise<Running> => {
    const [port = 0, otherPort = 0] = await freePorts(2);
    const data = join(folder, 'data');
    await mkdir(data);
    if (what) await synchronous(data, what);
    const at: At = { folder, data, port, otherPort, synced: what !== undefined };
    await prepare?.(path, at);
    const child = await startChild({ program: path, ...command(at), folder, port });
    return { ...child, endpoint: { host: HOST, port } };
  };
  const common = { program, version: program.version, renames: 'CopyObject and DELETE of each object' };
  return [
    {
      ...common,
      name: synced.name,
      how: synced.how,
      durability: 'everything',
      start: (folder) => start(folder, synced.what),
    },
    { ...common, ...asItComes, start: (folder) => start(folder) },
  ];
}
