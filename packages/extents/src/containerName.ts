/** What a container's file is called, on disk and wherever a person reads of it. */

import { type ContainerId, type ContainerInfo, containerId } from './contract.ts';

/** Consecutive ids share a directory, so a small store has one and a directory sync serves many creates. */
const IDS_PER_RUN = 256;
const SHARDS = 256;
const ID_HEX_DIGITS = 14;
const SUFFIX = { segment: '.seg', dedicated: '.ext' } as const satisfies Record<
  ContainerInfo['kind'],
  string
>;

const FILE_NAME = /^([0-9a-f]{14})\.(seg|ext)$/;
const SHARD_NAME = /^[0-9a-f]{2}$/;

/** What can be the directory of a container's file. */
export function isShard(name: string): boolean {
  return SHARD_NAME.test(name);
}

/** Whose the name of a file is, in whatever directory; undefined where it is no container's. */
export function containerCalled(
  fileName: string,
): { readonly container: ContainerId; readonly kind: ContainerInfo['kind'] } | undefined {
  const [, digits = '', suffix] = FILE_NAME.exec(fileName) ?? [];
  const id = Number.parseInt(digits, 16);
  if (!Number.isSafeInteger(id) || id === 0) return undefined;
  return { container: containerId(id), kind: suffix === 'seg' ? 'segment' : 'dedicated' };
}

/** The directory that its file is in. */
export function shardOf(container: number): string {
  return (Math.floor(container / IDS_PER_RUN) % SHARDS).toString(16).padStart(2, '0');
}

/**
 * The path below the extents' directory: `00/00000000000042.seg`. Where it is not known which kind it is, the ending is
 * left out: no two containers differ by that alone.
 */
export function containerName(container: number, kind?: ContainerInfo['kind']): string {
  const id = container.toString(16).padStart(ID_HEX_DIGITS, '0');
  return `${shardOf(container)}/${id}${kind === undefined ? '' : SUFFIX[kind]}`;
}
