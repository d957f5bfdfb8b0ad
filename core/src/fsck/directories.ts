/** The names of one volume: entries, their cookies, what directories count, and whether all hangs together. */

import { cookie as cookieOf, type InodeId, inodeId, ROOT_INODE } from '../ids.ts';
import { InvariantError } from '../invariant.ts';
import {
  cookieKey,
  cookieOfKey,
  dentriesOf,
  dentryKey,
  digestOfLongNameKey,
  directoryKey,
  type EntryName,
  entryOfDentryKey,
  inlineKey,
  inodeKey,
  inodeOfKey,
  layerBounds,
  linkKey,
  longNameKey,
  SPACE,
} from '../meta/keys.ts';
import { decodeInode, type Inode } from '../meta/records/inode.ts';
import {
  type Dentry,
  decodeDentry,
  decodeDirectoryState,
  decodeEntryName,
  decodeLongName,
} from '../meta/records/tree.ts';
import { isLongName, nameDigest } from '../tree/longNames.ts';
import type { Volume } from '../volumes/types.ts';
import { dropsEntry, givesCookie, makesDirectory, makesFile, recordsName } from './mends/entries.ts';
import { breaksCircle, isNamed } from './mends/inodes.ts';
import { type Mend, removal } from './mends/mend.ts';
import {
  countsEntries,
  indexesCookie,
  indexesLongName,
  keepsDirectory,
  marksTwin,
  movesNextCookie,
  setsType,
} from './mends/names.ts';
import { decoded, type Inspection, quoted, readable } from './store.ts';

interface Named {
  readonly parent: InodeId;
  readonly entry: EntryName;
  readonly dentry: Dentry;
}

const describeEntry = ({ parent, entry }: Pick<Named, 'parent' | 'entry'>): string =>
  `entry ${quoted(entry.name)}${entry.directory ? ' (a directory)' : ''} of directory ${parent}`;

export async function checkDirectories(inspection: Inspection, volume: Volume): Promise<void> {
  await checkEntries(inspection, volume);
  await checkCookies(inspection, volume);
  await checkLongNames(inspection, volume);
  await checkStates(inspection, volume);
  await checkReachable(inspection, volume);
}

// ---- entries ----

async function checkEntries(inspection: Inspection, volume: Volume): Promise<void> {
  const counting = new Counting(inspection, volume);
  const where = `volume ${volume.name}`;
  for await (const page of inspection.store.pages(layerBounds(SPACE.dentry, volume.layer))) {
    const named: Named[] = [];
    for (const stored of page) {
      const parent = inodeId(inodeOfKey(stored.key));
      const entry = entryOfDentryKey(stored.key);
      const dentry = readable(inspection, stored, {
        what: describeEntry({ parent, entry }),
        where,
        decode: decodeDentry,
      });
      await counting.add(parent, entry, dentry);
      if (dentry) named.push({ parent, entry, dentry });
    }
    await checkTargets(inspection, volume, named);
    await checkTwins(inspection, volume, named);
    await checkIndexed(inspection, volume, named);
  }
  await counting.end();
}

/** Each entry leads to an inode of its type that knows the name, and its cookie leads back to it. */
async function checkTargets(inspection: Inspection, volume: Volume, named: readonly Named[]): Promise<void> {
  const { store, report } = inspection;
  const { layer } = volume;
  const inodes = await store.getMany(named.map(({ dentry }) => inodeKey(layer, dentry.inode)));
  const cookies = await store.getMany(
    named.map(({ parent, dentry }) => cookieKey(layer, parent, dentry.cookie)),
  );
  const links = await store.getMany(
    named.map(({ parent, dentry }) => linkKey(layer, dentry.inode, { parent, cookie: dentry.cookie })),
  );
  for (const [index, one] of named.entries()) {
    const { parent, entry, dentry } = one;
    const place = { what: describeEntry(one), where: `volume ${volume.name}` };
    const back = decoded(cookies[index], decodeEntryName);
    if (!back || !sameName(back, entry)) {
      const found = back ? `that of ${quoted(back.name)}` : 'nobody’s';
      report(
        'cookieIndexWrong',
        place,
        `its cookie ${dentry.cookie} is ${found}`,
        back ? givesCookie({ layer, parent }, entry) : indexesCookie({ layer, parent }, entry, dentry),
      );
    }
    if (!inodes[index]) {
      const mend = await mendWithoutInode(inspection, volume, one);
      const found = inspection.isDamaged(inodeKey(layer, dentry.inode)) ? 'is damaged' : 'does not exist';
      report('entryWithoutInode', place, `inode ${dentry.inode} ${found}`, mend);
      continue;
    }
    const inode = decoded(inodes[index], decodeInode);
    if (entry.directory !== (dentry.type === 'directory') || (inode && inode.type !== dentry.type)) {
      report(
        'entryTypeWrong',
        place,
        `it says ${dentry.type}, inode ${dentry.inode} is a ${inode?.type}`,
        inode && setsType({ layer, parent }, entry, inode.type),
      );
    }
    if (dentry.hidden && entry.directory) {
      const mend = setsType({ layer, parent }, entry, 'directory');
      report('entryTypeWrong', place, 'a directory cannot be hidden', mend);
    }
    const first = inode?.place.parent === parent && inode.place.cookie === dentry.cookie;
    if (inode && !first && !links[index]) {
      const isKept = inode.type === 'directory' && (await isNamedElsewhere(inspection, volume, one, inode));
      const mend = isKept ? undefined : recordsName({ layer, parent }, entry, dentry.inode);
      report('nameNotRecorded', place, `inode ${dentry.inode} does not know this name`, mend);
    }
  }
}

/** What is left of what it led to proves what that was, or nothing does. */
async function mendWithoutInode(
  { store, isDamaged }: Inspection,
  volume: Volume,
  { parent, entry, dentry }: Named,
): Promise<Mend> {
  const { layer } = volume;
  if (dentry.type === 'directory') {
    const isMissed = (await store.first(dentriesOf(layer, dentry.inode))) !== undefined;
    if (isMissed) return makesDirectory(volume, parent, { entry, since: 'entries' });
    // One that was removed has no inode, damaged or not.
    const hasState = (await store.get(directoryKey(layer, dentry.inode))) !== undefined;
    if (hasState && isDamaged(inodeKey(layer, dentry.inode)))
      return makesDirectory(volume, parent, { entry, since: 'a state' });
  } else if (await store.get(inlineKey(layer, dentry.inode))) return makesFile(volume, parent, entry);
  return dropsEntry(volume, parent, entry);
}

/** Also where that can not be told: a directory has one name. */
async function isNamedElsewhere(
  { store }: Inspection,
  { layer }: Volume,
  { dentry }: Named,
  inode: Inode,
): Promise<boolean> {
  try {
    return await store.read((tx) => isNamed({ tx, layer }, dentry.inode, inode));
  } catch (error) {
    if (error instanceof InvariantError) return true;
    throw error;
  }
}

const sameName = (one: EntryName, other: EntryName): boolean =>
  one.directory === other.directory && one.name.equals(other.name);

async function checkTwins(
  { store, report }: Inspection,
  volume: Volume,
  named: readonly Named[],
): Promise<void> {
  const siblings = await store.getMany(
    named.map(({ parent, entry }) =>
      dentryKey(volume.layer, parent, { name: entry.name, directory: !entry.directory }),
    ),
  );
  for (const [index, { parent, entry, dentry }] of named.entries()) {
    const twin = siblings[index] !== undefined;
    if (twin === dentry.twin) continue;
    const place = { what: describeEntry({ parent, entry }), where: `volume ${volume.name}` };
    const detail = twin ? 'it has a twin and no mark' : 'it has a mark and no twin';
    report('twinMarkWrong', place, detail, marksTwin({ layer: volume.layer, parent }, entry, twin));
  }
}

/** Long names are found by their digest. */
async function checkIndexed(
  { store, report }: Inspection,
  volume: Volume,
  named: readonly Named[],
): Promise<void> {
  const long = named.filter(({ entry }) => isLongName(entry.name));
  const keys = long.map(({ parent, entry }) => longNameKey(volume.layer, parent, nameDigest(entry.name)));
  for (const [index, stored] of (await store.getMany(keys)).entries()) {
    const at = long[index];
    if (stored || !at) continue;
    const place = { what: describeEntry(at), where: `volume ${volume.name}` };
    const mend = indexesLongName({ layer: volume.layer, parent: at.parent }, at.entry.name);
    report('longNameWrong', place, 'it is not found by its digest', mend);
  }
}

/** Counts the entries of one directory after the other, and compares with what the directory says. */
class Counting {
  readonly #inspection: Inspection;
  readonly #volume: Volume;
  #parent: InodeId | undefined;
  #entries = 0;
  #subdirectories = 0;
  #cookie = 0;

  constructor(inspection: Inspection, volume: Volume) {
    this.#inspection = inspection;
    this.#volume = volume;
  }

  async add(parent: InodeId, entry: EntryName, dentry: Dentry | undefined): Promise<void> {
    if (parent !== this.#parent) await this.end();
    this.#parent = parent;
    this.#entries += 1;
    this.#subdirectories += entry.directory ? 1 : 0;
    this.#cookie = Math.max(this.#cookie, dentry?.cookie ?? 0);
  }

  async end(): Promise<void> {
    const parent = this.#parent;
    if (parent === undefined) return;
    const { store, report } = this.#inspection;
    const { layer, name } = this.#volume;
    const place = { what: `directory ${parent}`, where: `volume ${name}` };
    const [inode, stored] = await store.getMany([inodeKey(layer, parent), directoryKey(layer, parent)]);
    const state = decoded(stored, decodeDirectoryState);
    if (!inode || (decoded(inode, decodeInode)?.type ?? 'directory') !== 'directory') {
      report('entryOutsideDirectory', place, `it has ${this.#entries} entries and is no directory`);
    } else if (state) {
      const counted = `${this.#entries} entries, ${this.#subdirectories} directories`;
      if (state.entries !== this.#entries || state.subdirectories !== this.#subdirectories) {
        const said = `${state.entries} entries, ${state.subdirectories} directories`;
        const [entries, subdirectories] = [this.#entries, this.#subdirectories];
        report(
          'entryCountWrong',
          place,
          `it says ${said}, and has ${counted}`,
          countsEntries({ layer, parent }, { entries, subdirectories }),
        );
      }
      if (this.#cookie >= state.nextCookie) {
        report(
          'cookieBeyondNext',
          place,
          `cookie ${this.#cookie} is used, the next is ${state.nextCookie}`,
          movesNextCookie({ layer, parent }, this.#cookie),
        );
      }
    }
    this.#parent = undefined;
    this.#entries = 0;
    this.#subdirectories = 0;
    this.#cookie = 0;
  }
}

// ---- cookies and directories ----

async function checkCookies(inspection: Inspection, volume: Volume): Promise<void> {
  const { store, report } = inspection;
  const { layer } = volume;
  const where = `volume ${volume.name}`;
  for await (const page of store.pages(layerBounds(SPACE.cookie, layer))) {
    const indexed: { parent: InodeId; cookie: number; entry: EntryName }[] = [];
    for (const stored of page) {
      const parent = inodeId(inodeOfKey(stored.key));
      const cookie = cookieOfKey(stored.key);
      const what = `cookie ${cookie} of directory ${parent}`;
      const entry = readable(inspection, stored, { what, where, decode: decodeEntryName });
      if (entry) indexed.push({ parent, cookie, entry });
    }
    const dentries = await store.getMany(indexed.map(({ parent, entry }) => dentryKey(layer, parent, entry)));
    for (const [index, { parent, cookie, entry }] of indexed.entries()) {
      const stored = dentries[index];
      if (stored && (decoded(stored, decodeDentry)?.cookie ?? cookieOf(cookie)) === cookie) continue;
      const place = { what: `cookie ${cookie} of directory ${parent}`, where };
      const found = stored ? 'has another cookie' : 'does not exist';
      const mend = removal(cookieKey(layer, parent, cookie), place.what);
      report('cookieIndexWrong', place, `${describeEntry({ parent, entry })} ${found}`, mend);
    }
  }
}

async function checkLongNames(inspection: Inspection, volume: Volume): Promise<void> {
  const { store, report } = inspection;
  const { layer } = volume;
  const where = `volume ${volume.name}`;
  for await (const entry of store.entries(layerBounds(SPACE.longName, layer))) {
    const parent = inodeId(inodeOfKey(entry.key));
    const digest = digestOfLongNameKey(entry.key);
    const place = { what: `name ${digest.toString('hex')} of directory ${parent}`, where };
    const name = readable(inspection, entry, { ...place, decode: decodeLongName });
    if (!name) continue;
    const forms = [true, false].map((directory) => dentryKey(layer, parent, { name, directory }));
    const found = (await store.getMany(forms)).some((dentry) => dentry !== undefined);
    const mend = removal(entry.key, place.what);
    if (!found) report('longNameWrong', place, `there is no entry ${quoted(name)}`, mend);
    else if (!digest.equals(nameDigest(name)))
      report('longNameWrong', place, `${quoted(name)} has another`, mend);
    else if (!isLongName(name)) report('longNameWrong', place, `${quoted(name)} needs none`, mend);
  }
}

async function checkStates(inspection: Inspection, volume: Volume): Promise<void> {
  const { store, report } = inspection;
  const where = `volume ${volume.name}`;
  for await (const page of store.pages(layerBounds(SPACE.directory, volume.layer))) {
    const inodes = await store.getMany(page.map(({ key }) => inodeKey(volume.layer, directoryOf(key))));
    for (const [index, stored] of page.entries()) {
      const id = directoryOf(stored.key);
      const place = { what: `directory ${id}`, where };
      const state = readable(inspection, stored, { ...place, decode: decodeDirectoryState });
      const inode = inodes[index];
      if (!inode || (decoded(inode, decodeInode)?.type ?? 'directory') !== 'directory') {
        report(
          'directoryStateStray',
          place,
          inode ? 'the inode is no directory' : 'there is no inode',
          removal(stored.key, `the state of directory ${id}`),
        );
        continue;
      }
      if (!state) continue;
      const some = await store.first(dentriesOf(volume.layer, id));
      if (!some && (state.entries > 0 || state.subdirectories > 0)) {
        const mend = countsEntries({ layer: volume.layer, parent: id }, { entries: 0, subdirectories: 0 });
        report('entryCountWrong', place, `it says ${state.entries} entries, and has none`, mend);
      } else if (!some && !state.explicit) {
        const mend = keepsDirectory({ layer: volume.layer, parent: id });
        report('implicitDirectoryEmpty', place, 'nothing is in it that it would be there for', mend);
      }
    }
  }
}

const directoryOf = (key: Uint8Array): InodeId => inodeId(inodeOfKey(key));

// ---- the tree as a whole ----

/** Every directory leads up to the root. Holds two numbers a directory in memory. */
async function checkReachable({ store, report }: Inspection, volume: Volume): Promise<void> {
  const parents = new Map<number, number>();
  for await (const { key, value } of store.entries(layerBounds(SPACE.inode, volume.layer))) {
    const inode = decoded(value, decodeInode);
    if (inode?.type === 'directory') parents.set(inodeOfKey(key), inode.place.parent);
  }
  const fine = new Set<number>([ROOT_INODE]);
  const reported = new Set<number>();
  for (const start of parents.keys()) {
    const trail = new Set<number>();
    let at: number | undefined = start;
    while (at !== undefined && !fine.has(at) && !trail.has(at) && !reported.has(at)) {
      trail.add(at);
      at = parents.get(at);
    }
    // A parent that does not exist is reported with the entry that ought to be in it.
    if (at === undefined || fine.has(at)) {
      for (const id of trail) fine.add(id);
      continue;
    }
    for (const id of trail) {
      reported.add(id);
      const place = { what: `directory ${id}`, where: `volume ${volume.name}` };
      const mend = breaksCircle(volume, inodeId(id));
      report('directoryUnreachable', place, 'its parents lead in a circle', mend);
    }
  }
}
