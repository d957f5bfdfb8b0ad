/** MOUNT version 3: from a path to the first file handle. @source RFC 1813 §5 (appendix I) */
import { type Core, FsError, type FsErrorCode } from '@facet/core';
import { admits } from '../exports/admission.ts';
import type { FileHandles } from '../nfs/handles.ts';
import { AUTH_SYS } from '../rpc/credentials.ts';
import type { Logger, Peer, Procedure, Program } from '../rpc/program.ts';
import type { XdrReader } from '../xdr/reader.ts';
import { XdrWriter } from '../xdr/writer.ts';
import { Mounted } from './mounted.ts';
import { findMountable, openMountable } from './paths.ts';

const MOUNT_PROGRAM = 100005;
const MOUNT_V3 = 3;
const PROCEDURE = { MNT: 1, DUMP: 2, UMNT: 3, UMNTALL: 4, EXPORT: 5 } as const;

const MNT3_OK = 0;
const MOUNTSTAT3 = {
  MNT3ERR_NOENT: 2,
  MNT3ERR_ACCES: 13,
  MNT3ERR_NOTDIR: 20,
  MNT3ERR_NAMETOOLONG: 63,
  MNT3ERR_SERVERFAULT: 10006,
} as const;

const STATUS_OF_FS_ERROR: Partial<Record<FsErrorCode, keyof typeof MOUNTSTAT3>> = {
  NoEntry: 'MNT3ERR_NOENT',
  NoSuchVolume: 'MNT3ERR_NOENT',
  Stale: 'MNT3ERR_NOENT',
  NotDirectory: 'MNT3ERR_NOTDIR',
  NameTooLong: 'MNT3ERR_NAMETOOLONG',
};

/** MNTPATHLEN */
const PATH_BYTES_MAX = 1024;
const VOLUMES_PER_READ = 1000;
/** An answer has to end: a store may have more volumes than a client has memory. */
const EXPORTS_MAX = 10_000;

const readPath = (args: XdrReader): Buffer => {
  const path = args.opaque(PATH_BYTES_MAX);
  args.end();
  return path;
};

export interface MountParts {
  readonly core: Pick<Core, 'files' | 'volumes'>;
  readonly handles: FileHandles;
  readonly log: Logger;
}

export function createMountProgram(parts: MountParts): Program {
  const mounted = new Mounted();

  const mnt: Procedure = async (args, { peer }) => {
    const path = readPath(args);
    try {
      const handle = await openExport(parts, path, peer);
      if (typeof handle === 'string') return new XdrWriter().uint32(MOUNTSTAT3[handle]);
      mounted.add({ client: peer.address, path });
      return new XdrWriter()
        .uint32(MNT3_OK)
        .opaque(handle)
        .array([AUTH_SYS], (to, flavor) => to.uint32(flavor));
    } catch (error) {
      const status = error instanceof FsError ? STATUS_OF_FS_ERROR[error.code] : undefined;
      if (status === undefined) parts.log.error({ err: error, procedure: 'MNT' }, 'call failed');
      return new XdrWriter().uint32(MOUNTSTAT3[status ?? 'MNT3ERR_SERVERFAULT']);
    }
  };

  const dump: Procedure = async () =>
    new XdrWriter().list(mounted.list(), (to, { client, path }) => to.text(client).opaque(path));

  const umnt: Procedure = async (args, { peer }) => {
    mounted.remove({ client: peer.address, path: readPath(args) });
    return new XdrWriter();
  };

  const umntall: Procedure = async (_, { peer }) => {
    mounted.removeAll(peer.address);
    return new XdrWriter();
  };

  const listExports: Procedure = async (_, { peer }) => {
    const exported = await exportsFor(parts.core, peer);
    return new XdrWriter().list(exported, (to, { name, clients }) => {
      to.text(`/${name}`).list(clients, (group, client) => group.text(client));
    });
  };

  return {
    program: MOUNT_PROGRAM,
    version: MOUNT_V3,
    procedures: new Map([
      [PROCEDURE.MNT, mnt],
      [PROCEDURE.DUMP, dump],
      [PROCEDURE.UMNT, umnt],
      [PROCEDURE.UMNTALL, umntall],
      [PROCEDURE.EXPORT, listExports],
    ]),
  };
}

/**
 * What of it is served over UDP, where a sender may be forged: what answers with little more than it was asked with.
 * The two lists are not; whoever wants them asks over TCP first.
 */
export function withoutLists({ program, version, procedures }: Program): Program {
  const small = [...procedures].filter(
    ([number]) => number !== PROCEDURE.DUMP && number !== PROCEDURE.EXPORT,
  );
  return { program, version, procedures: new Map(small) };
}

/** A handle, or why not. @throws FsError NoEntry | NotDirectory | NameTooLong | NoSuchVolume */
async function openExport(
  { core, handles }: MountParts,
  path: Buffer,
  peer: Peer,
): Promise<Buffer | keyof typeof MOUNTSTAT3> {
  const mountable = await findMountable(core, path);
  if (!mountable) return 'MNT3ERR_NOENT';
  if (!admits(await core.volumes.getExport(mountable.volume.id), peer)) return 'MNT3ERR_ACCES';
  return handles.encode(await openMountable(core, mountable));
}

interface Export {
  readonly name: string;
  readonly clients: readonly string[];
}

/** What the peer could mount: the names of other tenants' volumes are none of its business. */
async function exportsFor({ volumes }: MountParts['core'], peer: Peer): Promise<readonly Export[]> {
  const exported: Export[] = [];
  let after = '';
  for (;;) {
    const page = await volumes.list({ after, limit: VOLUMES_PER_READ });
    for (const { id, name } of page.volumes) {
      const policy = await Promise.resolve(volumes.getExport(id)).catch(() => undefined);
      if (policy && admits(policy, peer)) exported.push({ name, clients: policy.clients });
      if (exported.length === EXPORTS_MAX) return exported;
    }
    const last = page.volumes.at(-1);
    if (!page.truncated || !last) return exported;
    after = last.name;
  }
}
