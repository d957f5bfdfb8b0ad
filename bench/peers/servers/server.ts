/** A server that has been started for the bench, as all of them look to it. */

import type { Credentials, Endpoint } from '../../load/request.ts';
import type { GoProgram } from '../install.ts';

export const HOST = '127.0.0.1';
export const BUCKET = 'bench';
export const CREDENTIALS: Credentials = {
  accessKeyId: 'BENCHMARKKEY',
  secretAccessKey: 'benchmark-secret-key',
};

/** What is on stable storage when a PUT is answered. */
export type Durability = 'everything' | 'the bytes' | 'nothing';

export interface Running {
  /** The parent of all its processes. */
  readonly pid: number;
  readonly endpoint: Endpoint;
  /** A way of its own to rename a directory below the bucket, when it has one. */
  readonly renameDirectory?: (from: string, to: string) => Promise<void>;
  stop(): Promise<void>;
}

/** One server in one configuration. */
export interface SetupIdentity {
  readonly name: string;
  readonly version: string;
  readonly durability: Durability;
  /** How it comes to be that durable, in a few words. */
  readonly how: string;
  /** How its directory is renamed, in a few words. */
  readonly renames: string;
}

export interface Setup extends SetupIdentity {
  /** What has to be installed before it can start; absent: nothing. */
  readonly program?: GoProgram;
  /** @param folder empty, for its data and all else that it keeps */
  start(folder: string): Promise<Running>;
}
