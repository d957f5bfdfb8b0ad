/** Volumes: made, found, listed, deleted. */

import type { Op, WriteTx } from '@facet/engine';
import type { Command, CommandContext, Commands, Environment } from '../commands/command.ts';
import { take } from '../commands/counter.ts';
import { enqueueFree } from '../contents/bodies.ts';
import { FsError } from '../errors.ts';
import { layerId, ROOT_INODE, type VolumeId, volumeId } from '../ids.ts';
import { assert } from '../invariant.ts';
import { type LookupChanges, ownLookupChanges, Recent } from '../lookups/recent.ts';
import {
  accountKey,
  counterKey,
  directoryKey,
  inodeKey,
  layerBounds,
  SPACE,
  spaceBounds,
  successor,
  textOfKey,
  usageKey,
  volumeExportKey,
  volumeKey,
  volumeNameKey,
  volumeTagsKey,
} from '../meta/keys.ts';
import { decodeTags, encodeTags } from '../meta/records/object.ts';
import { decodeUpload } from '../meta/records/upload.ts';
import { decodeNumber, decodeVolume, encodeNumber, encodeVolume } from '../meta/records/volume.ts';
import type { Tags } from '../objects/types.ts';
import { freshDirectory, loadDirectory, storeDirectory } from '../tree/directories.ts';
import { freshInode, newInodeId, storeInode } from '../tree/inodes.ts';
import { adjustUsage, changeVolume, loadUsage, viewVolume } from '../tree/scope.ts';
import { getExport, setExport } from './exports.ts';
import { setSettings } from './settings.ts';
import type {
  Export,
  ExportChanges,
  ExportPolicy,
  Unshown,
  Volume,
  VolumeSettings,
  VolumeUsage,
  VolumeView,
} from './types.ts';
import { countUnshown } from './unshown.ts';

/** Owner and modes of what comes by S3, until a volume's export says otherwise. */
const DEFAULTS = { uid: 65534, gid: 65534, directoryMode: 0o777, fileMode: 0o666 } as const;
const NAME_BYTES_MAX = 255;
const VOLUMES_PER_READ = 256;
const UPLOADS_DROPPED_MAX = 1000;

export const createVolume: Command<{ readonly name: string; readonly owner: string }, Volume> = {
  name: 'createVolume',
  *run(tx, args, context) {
    const [taken, account] = yield* tx.getMany([volumeNameKey(args.name), accountKey(args.owner)]);
    if (taken) throw new FsError('VolumeExists', `volume ${args.name} already exists`);
    if (!account) throw new FsError('NoSuchAccount', `account ${args.owner} does not exist`);
    const id = volumeId(yield* take(tx, { name: 'volume', count: 1 }));
    const volume: Volume = {
      id,
      name: args.name,
      owner: args.owner,
      layer: layerId(yield* take(tx, { name: 'layer', count: 1 })),
      created: context.now,
      defaults: DEFAULTS,
    };
    tx.put(volumeNameKey(args.name), encodeNumber(id));
    tx.put(volumeKey(id), encodeVolume(volume));
    yield* makeRoot(tx, volume, context);
    return volume;
  },
};

function* makeRoot(tx: WriteTx, volume: Volume, context: CommandContext): Op<VolumeUsage> {
  const change = yield* changeVolume(tx, volume.id, context);
  const root = yield* newInodeId(change);
  assert(root === ROOT_INODE, 'the first inode of a volume is its root');
  const inode = freshInode(change, {
    type: 'directory',
    mode: volume.defaults.directoryMode,
    uid: volume.defaults.uid,
    gid: volume.defaults.gid,
    place: { parent: root, cookie: freshDirectory(change, { explicit: true }).nextCookie },
  });
  storeInode(change, root, inode);
  storeDirectory(change, root, freshDirectory(change, { explicit: true }));
  return yield* adjustUsage(change, { bytes: 0, inodes: 1 });
}

export const deleteVolume: Command<{ readonly volume: VolumeId }, { readonly name: string }> = {
  name: 'deleteVolume',
  runsWhenFull: true,
  *run(tx, args, context) {
    const change = yield* changeVolume(tx, args.volume, context);
    const { volume, layer } = change;
    const root = yield* loadDirectory(change, ROOT_INODE);
    if (root.entries > 0) throw new FsError('VolumeNotEmpty', `volume ${volume.name} is not empty`);
    const uploads = yield* tx.range({ ...layerBounds(SPACE.upload, layer), limit: UPLOADS_DROPPED_MAX + 1 });
    if (uploads.length > UPLOADS_DROPPED_MAX) {
      throw new FsError(
        'VolumeNotEmpty',
        `volume ${volume.name} has many uploads under way: abort them first`,
      );
    }
    // Uploads under way go with their volume; their parts go by the collector.
    for (const { key, value } of uploads) {
      tx.delete(key);
      yield* enqueueFree(change, { kind: 'upload', upload: decodeUpload(value).upload });
    }
    for (const key of [
      volumeNameKey(volume.name),
      volumeKey(volume.id),
      volumeTagsKey(volume.id),
      volumeExportKey(volume.id),
      inodeKey(layer, ROOT_INODE),
      directoryKey(layer, ROOT_INODE),
      usageKey(layer),
      counterKey(`inode/${layer}`),
    ]) {
      tx.delete(key);
    }
    return { name: volume.name };
  },
};

export const setVolumeTags: Command<
  { readonly volume: VolumeId; readonly tags: Tags },
  { readonly existed: boolean }
> = {
  name: 'setVolumeTags',
  runsWhenFull: ({ tags }) => tags.length === 0,
  *run(tx, args, context) {
    const { volume } = yield* changeVolume(tx, args.volume, context);
    const key = volumeTagsKey(volume.id);
    const existed = (yield* tx.get(key)) !== undefined;
    if (args.tags.length > 0) tx.put(key, encodeTags(args.tags));
    else tx.delete(key);
    return { existed };
  },
};

export class Volumes implements VolumeView {
  readonly #commands: Commands;

  readonly #recent: Recent<Volume>;
  readonly #exports: Recent<ExportPolicy>;

  constructor(parts: {
    readonly commands: Commands;
    readonly environment: Pick<Environment, 'monotonicMs'>;
    /** Those of this process alone unless told. */
    readonly changes?: LookupChanges;
  }) {
    const { commands, environment, changes = ownLookupChanges() } = parts;
    this.#commands = commands;
    this.#recent = new Recent({ load: (name) => this.#look(name), changes, environment });
    this.#exports = new Recent({
      load: (id) => commands.read('volumes', (tx) => getExport(tx, volumeId(Number(id)))),
      changes,
      environment,
    });
  }

  async create(args: { readonly name: string; readonly owner: string }): Promise<Volume> {
    const { name } = args;
    if (name.length === 0 || Buffer.byteLength(name) > NAME_BYTES_MAX || /[/\0]/.test(name)) {
      throw new FsError('Invalid', `a volume cannot be named ${JSON.stringify(name)}`);
    }
    return this.#commands.run(createVolume, args);
  }

  find(name: string): ReturnType<VolumeView['find']> {
    if (Buffer.byteLength(name) > NAME_BYTES_MAX) return undefined;
    return this.#recent.get(name);
  }

  #look(name: string): Promise<Volume | undefined> {
    return this.#commands.read('volumes', function* (tx) {
      const stored = yield* tx.get(volumeNameKey(name));
      if (!stored) return undefined;
      const volume = yield* tx.get(volumeKey(volumeId(decodeNumber(stored))));
      assert(volume !== undefined, `volume ${name} has its record`);
      return decodeVolume(volume);
    });
  }

  list(args: Parameters<VolumeView['list']>[0]): ReturnType<VolumeView['list']> {
    const { owner, prefix = '', after = '', limit } = args;
    const bounds = spaceBounds(SPACE.volumeName);
    return this.#commands.read('volumes', function* (tx) {
      const volumes: Volume[] = [];
      let from = after >= prefix && after !== '' ? successor(volumeNameKey(after)) : volumeNameKey(prefix);
      for (;;) {
        const page = yield* tx.range({ start: from, end: bounds.end, limit: VOLUMES_PER_READ });
        const named = page.filter((entry) => textOfKey(entry.key).startsWith(prefix));
        const records = yield* tx.getMany(
          named.map((entry) => volumeKey(volumeId(decodeNumber(entry.value)))),
        );
        for (const stored of records) {
          assert(stored !== undefined, 'a volume name has its record');
          const volume = decodeVolume(stored);
          if (owner !== undefined && volume.owner !== owner) continue;
          if (volumes.length === limit) return { volumes, truncated: true };
          volumes.push(volume);
        }
        const last = page.at(-1);
        if (!last || named.length < VOLUMES_PER_READ) return { volumes, truncated: false };
        from = successor(last.key);
      }
    });
  }

  usage(volume: VolumeId): Promise<VolumeUsage> {
    return this.#commands.read('volumes', function* (tx) {
      return yield* loadUsage(yield* viewVolume(tx, volume));
    });
  }

  unshown(volume: VolumeId): Promise<Unshown> {
    return countUnshown(this.#commands, volume);
  }

  async delete(volume: VolumeId): Promise<{ readonly name: string }> {
    try {
      return await this.#commands.run(deleteVolume, { volume });
    } finally {
      this.#forget();
    }
  }

  #forget(): void {
    this.#recent.clear();
    this.#exports.clear();
  }

  getTags(volume: VolumeId): Promise<Tags> {
    return this.#commands.read('volumes', function* (tx) {
      yield* viewVolume(tx, volume);
      const stored = yield* tx.get(volumeTagsKey(volume));
      return stored ? decodeTags(stored) : [];
    });
  }

  setTags(volume: VolumeId, tags: Tags): Promise<{ readonly existed: boolean }> {
    return this.#commands.run(setVolumeTags, { volume, tags });
  }

  getExport(volume: VolumeId): ReturnType<VolumeView['getExport']> {
    const policy = this.#exports.get(String(volume));
    return policy instanceof Promise ? policy.then(mustHavePolicy) : policy;
  }

  async setExport(volume: VolumeId, changes: ExportChanges): Promise<Export> {
    try {
      return await this.#commands.run(setExport, { volume, changes });
    } finally {
      this.#forget();
    }
  }

  async setSettings(volume: VolumeId, changes: Partial<VolumeSettings>): Promise<Volume> {
    try {
      return await this.#commands.run(setSettings, { volume, changes });
    } finally {
      this.#forget();
    }
  }
}

function mustHavePolicy(policy: ExportPolicy | undefined): ExportPolicy {
  assert(policy !== undefined, 'a volume that does not exist is refused');
  return policy;
}
