/** A stand-in for the core until it is whole: maps in memory. */
import {
  type Account,
  type Core,
  FsError,
  inodeId,
  layerId,
  type ObjectInfo,
  type ObjectView,
  type StagedBody,
  timestamp,
  type Volume,
  volumeId,
} from '@facet/core';

interface Stored {
  readonly info: ObjectInfo;
  readonly bytes: Buffer;
}

const now = () => timestamp(BigInt(Date.now()) * 1_000_000n);

export function createMemoryCore(): Core {
  const volumes = new Map<string, Volume>();
  const objects = new Map<string, Stored>();
  const keys = new Map<string, { secretKey: string; account: Account }>();
  let ids = 1;
  const place = (volume: number, key: Buffer) => `${volume}/${key.toString('hex')}`;
  const missing = async (): Promise<never> => {
    throw new FsError('Failed', 'not in this stand-in');
  };
  const find = (volume: number, key: Buffer): Stored => {
    const found = objects.get(place(volume, key));
    if (found === undefined) throw new FsError('NoEntry', 'no such object');
    return found;
  };
  const view: Partial<ObjectView> = {
    stage: () => {
      const chunks: Uint8Array[] = [];
      return {
        write: async (chunk) => void chunks.push(chunk),
        abort: async () => undefined,
        finish: async (): Promise<StagedBody> => {
          const bytes = Buffer.concat(chunks);
          return { kind: 'inline', lengthBytes: bytes.length, bytes };
        },
      };
    },
    discard: async () => undefined,
    put: async (args) => {
      const bytes = args.body.kind === 'inline' ? Buffer.from(args.body.bytes) : Buffer.alloc(0);
      const hex = Buffer.from(args.etag.digest).toString('hex');
      const existing = objects.get(place(args.volume, args.key));
      const { ifMatch, ifNoneMatch } = args.precondition ?? {};
      const matches = (list: readonly string[]) =>
        existing !== undefined && (list.includes('*') || list.includes(existing.info.etag));
      if (ifMatch !== undefined && existing === undefined) throw new FsError('NoEntry', 'if-match');
      if (ifMatch !== undefined && !matches(ifMatch)) throw new FsError('PreconditionFailed', 'if-match');
      if (ifNoneMatch !== undefined && matches(ifNoneMatch)) throw new FsError('PreconditionFailed', 'none');
      const info: ObjectInfo = {
        inode: inodeId(ids++),
        sizeBytes: bytes.length,
        lastModified: now(),
        etag: hex,
        storageClass: args.storageClass ?? 'STANDARD',
        properties: args.properties,
        userMetadata: args.userMetadata,
        tagCount: args.tags?.length ?? 0,
        ...(args.checksum !== undefined && { checksum: args.checksum }),
      };
      objects.set(place(args.volume, args.key), { info, bytes });
      return info;
    },
    head: async ({ volume, key }) => find(volume, key).info,
    open: async ({ volume, key }) => {
      const { info, bytes } = find(volume, key);
      return {
        info,
        read: async function* (range) {
          yield range === undefined ? bytes : bytes.subarray(range.start, range.end + 1);
        },
        part: () => {
          throw new FsError('InvalidPart', 'none');
        },
        parts: () => [],
        close: () => undefined,
      };
    },
    list: async ({ volume, prefix, delimiter, after, limit }) => {
      const all = [...objects.entries()]
        .filter(([at]) => at.startsWith(`${volume}/`))
        .map(([at, stored]) => ({ key: Buffer.from(at.slice(at.indexOf('/') + 1), 'hex'), stored }))
        .sort((a, b) => Buffer.compare(a.key, b.key));
      const entries = [];
      let last = after ?? Buffer.alloc(0);
      for (const { key, stored } of all) {
        if (!key.subarray(0, prefix.length).equals(prefix)) continue;
        const cut = delimiter.length === 0 ? -1 : key.indexOf(delimiter, prefix.length);
        const name = cut < 0 ? key : key.subarray(0, cut + delimiter.length);
        if (Buffer.compare(name, last) <= 0) continue;
        if (entries.length === limit) return { entries, truncated: limit > 0 };
        last = name;
        if (cut < 0) entries.push({ kind: 'object' as const, key, ...stored.info });
        else entries.push({ kind: 'prefix' as const, prefix: name });
      }
      return { entries, truncated: false };
    },
  };
  return {
    objects: new Proxy(view, {
      get: (target, name) => Reflect.get(target, name) ?? missing,
    }) as ObjectView,
    volumes: {
      create: async ({ name, owner }) => {
        if (volumes.has(name)) throw new FsError('VolumeExists', name);
        const id = volumeId(ids++);
        const defaults = { uid: 0, gid: 0, directoryMode: 0o777, fileMode: 0o666 };
        const volume = { id, name, owner, layer: layerId(id), created: now(), defaults };
        volumes.set(name, volume);
        return volume;
      },
      find: async (name) => volumes.get(name),
      list: async ({ owner }) => ({
        volumes: [...volumes.values()].filter((volume) => volume.owner === owner),
        truncated: false,
      }),
      usage: missing,
      delete: missing,
      getTags: missing,
      setTags: missing,
    },
    accounts: {
      create: missing,
      find: missing,
      list: missing,
      createKey: async ({ account, accessKeyId = 'AK', secretKey = 'SK' }) => {
        const canonicalId = account.padEnd(64, '0');
        keys.set(accessKeyId, {
          secretKey,
          account: { name: account, canonicalId, displayName: account, created: now() },
        });
        return { accessKeyId, secretKey, account, created: now() };
      },
      findKey: async (accessKeyId) => {
        const found = keys.get(accessKeyId);
        if (found === undefined) return undefined;
        const { secretKey, account } = found;
        return { key: { accessKeyId, secretKey, account: account.name, created: now() }, account };
      },
      listKeys: missing,
      deleteKey: missing,
    },
    close: async () => undefined,
  };
}
