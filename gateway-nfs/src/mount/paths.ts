/** What a client may mount: a volume as `/<name>`, or a directory in it. */
import { type Core, type FileAttributes, FsError, type Volume } from '@facet/core';
import { entryNamed } from '../names/entries.ts';

/** Who may mount a volume may mount what is in it, as on other servers. */
const ROOT = { uid: 0, gid: 0, groups: [] };
const SLASH = 0x2f;

/** The parts between slashes, of which several count as one. */
function partsOf(path: Buffer): readonly Buffer[] {
  const parts: Buffer[] = [];
  let start = 0;
  while (start < path.length) {
    const slash = path.indexOf(SLASH, start);
    const end = slash < 0 ? path.length : slash;
    if (end > start) parts.push(path.subarray(start, end));
    start = end + 1;
  }
  return parts;
}

export interface Mountable {
  readonly volume: Volume;
  /** The names that lead to the directory from the volume's root. */
  readonly below: readonly Buffer[];
}

/** Undefined: no volume has that name. */
export async function findMountable(
  { volumes }: Pick<Core, 'volumes'>,
  path: Buffer,
): Promise<Mountable | undefined> {
  const [name, ...below] = partsOf(path);
  const volume = name && (await volumes.find(name.toString()));
  return volume && { volume, below };
}

/** @throws FsError NoEntry | NotDirectory | NameTooLong | NoSuchVolume */
export async function openMountable(
  { files }: Pick<Core, 'files'>,
  { volume, below }: Mountable,
): Promise<FileAttributes> {
  let directory = await files.root({ volume: volume.id });
  for (const name of below) {
    const entry = await entryNamed(files, { parent: directory, name });
    const { file } = entry ? await files.lookup({ ...entry, caller: ROOT }) : {};
    if (!file)
      throw new FsError('NoEntry', `${JSON.stringify(name.toString())} is not in volume ${volume.name}`);
    if (file.type !== 'directory') {
      throw new FsError('NotDirectory', `${JSON.stringify(name.toString())} is a ${file.type}`);
    }
    directory = file;
  }
  return directory;
}
