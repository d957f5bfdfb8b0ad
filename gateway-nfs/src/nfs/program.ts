/** The NFS program: the whole way of a call, top to bottom. @source RFC 1813 §3 */
import { performance } from 'node:perf_hooks';
import type { ExportPolicy, FileRef, VolumeId, VolumeView } from '@facet/core';
import { type Access, accessOf } from '../exports/access.ts';
import { MemoryPool } from '../rpc/memory.ts';
import type { Logger, Procedure, Program, RpcCall } from '../rpc/program.ts';
import { XdrError } from '../xdr/error.ts';
import { XdrWriter } from '../xdr/writer.ts';
import { Arguments } from './arguments.ts';
import { clientOf } from './client.ts';
import { createDamageLog, isDamage } from './damageLog.ts';
import { TRANSFER_BYTES_MAX } from './limits.ts';
import type { Nfs3Procedure, NfsCall, Results } from './procedure.ts';
import { access } from './procedures/access.ts';
import { commit } from './procedures/commit.ts';
import { create } from './procedures/create.ts';
import { fsinfo } from './procedures/fsinfo.ts';
import { fsstat } from './procedures/fsstat.ts';
import { getattr } from './procedures/getattr.ts';
import { link } from './procedures/link.ts';
import { lookup } from './procedures/lookup.ts';
import { mkdir } from './procedures/mkdir.ts';
import { mknod } from './procedures/mknod.ts';
import { pathconf } from './procedures/pathconf.ts';
import { read } from './procedures/read.ts';
import { readdir } from './procedures/readdir.ts';
import { readdirplus } from './procedures/readdirplus.ts';
import { readlink } from './procedures/readlink.ts';
import { remove } from './procedures/remove.ts';
import { rename } from './procedures/rename.ts';
import { rmdir } from './procedures/rmdir.ts';
import { setattr } from './procedures/setattr.ts';
import { symlink } from './procedures/symlink.ts';
import { write } from './procedures/write.ts';

import { tellOfRefused } from './refusal.ts';
import { NFS3_OK, NFS3_STATUS, Nfs3Error, type Nfs3Status, statusOf } from './status.ts';

const NFS_PROGRAM = 100003;
const NFS_V3 = 3;

/** By number, from 1: NULL is the RPC server's. */
const PROCEDURES: readonly Nfs3Procedure[] = [
  getattr,
  setattr,
  lookup,
  access,
  readlink,
  read,
  write,
  create,
  mkdir,
  symlink,
  mknod,
  remove,
  rmdir,
  rename,
  link,
  readdir,
  readdirplus,
  fsstat,
  fsinfo,
  pathconf,
  commit,
];

export interface NfsParts
  extends Pick<NfsCall, 'files' | 'handles' | 'onRemoved' | 'writeVerifier' | 'roomBytes'> {
  readonly volumes: Pick<VolumeView, 'getExport'>;
  readonly log: Logger;
  readonly onCall?: ((outcome: CallOutcome) => void) | undefined;
}

/** What became of a call. */
export interface CallOutcome {
  /** As RFC 1813 names it: `GETATTR`. */
  readonly procedure: string;
  /** GARBAGE_ARGS is RPC's own: the arguments could not be read. */
  readonly status: 'NFS3_OK' | Nfs3Status | 'GARBAGE_ARGS';
  readonly durationMs: number;
}

export function createNfsProgram(parts: NfsParts): Program {
  const served = { ...parts, memory: new MemoryPool(), logDamage: createDamageLog(parts) };
  const numbered = PROCEDURES.map((procedure, index) => [index + 1, serve(served, procedure)] as const);
  return { program: NFS_PROGRAM, version: NFS_V3, procedures: new Map(numbered), resultBytes };
}

/** The last argument of a READ says how much of a reply there may be. */
const resultBytes = new Map([
  [
    1 + PROCEDURES.indexOf(read),
    (args: Buffer) =>
      args.length < 4 ? 0 : Math.min(args.readUInt32BE(args.length - 4), TRANSFER_BYTES_MAX),
  ],
]);

type Parts = NfsParts & Pick<NfsCall, 'memory'> & { readonly logDamage: ReturnType<typeof createDamageLog> };

function serve(parts: Parts, procedure: Nfs3Procedure): Procedure {
  const { onCall } = parts;
  return async (xdr, rpc) => {
    const began = performance.now();
    const tell = (status: CallOutcome['status']): void =>
      onCall?.({ procedure: procedure.name, status, durationMs: performance.now() - began });
    const args = new Arguments(xdr, parts.handles);
    /** Those that the sender may hear of. */
    let files: readonly FileRef[] = [];
    try {
      const run = procedure.prepare(args);
      xdr.end();
      const access = await admit(parts, args.files, rpc);
      files = args.files;
      if (procedure.changes && access.readOnly)
        throw new Nfs3Error('NFS3ERR_ROFS', 'the export is read-only');
      const results = answer(NFS3_OK, await run(new Admitted(parts, access, rpc)));
      tell('NFS3_OK');
      return results;
    } catch (error) {
      if (error instanceof XdrError) {
        tell('GARBAGE_ARGS');
        throw error;
      }
      const status = statusOf(error, procedure.statuses);
      if (status === undefined) parts.log.error({ err: error, procedure: procedure.name }, 'call failed');
      if (isDamage(error)) await parts.logDamage({ procedure: procedure.name, files, error });
      const results = await tellOfRefused(parts.files, { told: procedure.refusal, files, error });
      const refusal = status ?? 'NFS3ERR_SERVERFAULT';
      tell(refusal);
      return answer(NFS3_STATUS[refusal], results);
    }
  };
}

/** A call that may run. */
class Admitted implements NfsCall {
  readonly files: NfsCall['files'];
  readonly handles: NfsCall['handles'];
  readonly caller: NfsCall['caller'];
  readonly readOnly: boolean;
  readonly writeVerifier: Buffer;
  readonly onRemoved: NfsCall['onRemoved'];
  readonly memory: MemoryPool;
  readonly roomBytes: NfsCall['roomBytes'];
  readonly #rpc: RpcCall;

  constructor(parts: Parts, access: Access, rpc: RpcCall) {
    this.files = parts.files;
    this.handles = parts.handles;
    this.caller = access.caller;
    this.readOnly = access.readOnly;
    this.writeVerifier = parts.writeVerifier;
    this.onRemoved = parts.onRemoved;
    this.memory = parts.memory;
    this.roomBytes = parts.roomBytes;
    this.#rpc = rpc;
  }

  // Only when asked for: the checksum is over all of the call, which for a WRITE is a megabyte.
  get call(): NfsCall['call'] {
    const { xid, checksum } = this.#rpc;
    return { client: clientOf(this.#rpc), xid, checksum };
  }
}

function answer(status: number, results: Results): XdrWriter {
  const out = new XdrWriter().uint32(status);
  results(out);
  return out;
}

/**
 * Leave for every volume named, as whom the first one's export has it: a call on two volumes does nothing.
 * @throws Nfs3Error NFS3ERR_ACCES; FsError NoSuchVolume
 */
async function admit({ volumes }: NfsParts, files: readonly FileRef[], rpc: RpcCall): Promise<Access> {
  const [first, ...others] = files;
  if (!first) throw new Error('every procedure names a file');
  const access = admitTo(await volumes.getExport(first.volume), first.volume, rpc);
  for (const { volume } of others)
    if (volume !== first.volume) admitTo(await volumes.getExport(volume), volume, rpc);
  return access;
}

/** @throws Nfs3Error NFS3ERR_ACCES */
function admitTo(policy: ExportPolicy, volume: VolumeId, rpc: RpcCall): Access {
  const access = accessOf(policy, rpc);
  if (access) return access;
  const { address, port } = rpc.peer;
  throw new Nfs3Error('NFS3ERR_ACCES', `volume ${volume} is not exported to ${address} port ${port}`);
}
