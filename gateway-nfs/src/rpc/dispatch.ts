/** From a call's bytes to its reply, whatever brought them. */
import { crc32 } from 'node:zlib';
import { XdrError } from '../xdr/error.ts';
import { XdrWriter } from '../xdr/writer.ts';
import type { Credential } from './credentials.ts';
import { type CallMessage, lastingBytes, type RpcReply } from './message.ts';
import type { Logger, Peer, Program, RpcCall, Transport } from './program.ts';

const NULL_PROCEDURE = 0;

/** Where a call came from. */
export interface Origin {
  readonly peer: Peer;
  readonly transport: Transport;
}

/** Never rejects. `undefined`: there is to be no reply. */
export type Dispatch = (message: CallMessage, bytes: Buffer, origin: Origin) => Promise<RpcReply | undefined>;

/** By number and version. */
type Programs = ReadonlyMap<number, ReadonlyMap<number, Program>>;

function byVersion(programs: readonly Program[]): Programs {
  const versionsOf = new Map<number, Map<number, Program>>();
  for (const program of programs) {
    const versions = versionsOf.get(program.program) ?? new Map<number, Program>();
    versionsOf.set(program.program, versions.set(program.version, program));
  }
  return versionsOf;
}

/** How many bytes of memory the reply to a call may take, as far as its program says. */
export type Forecast = (message: CallMessage, bytes: Buffer) => number;

export function createForecast(programs: readonly Program[]): Forecast {
  const versionsOf = byVersion(programs);
  return ({ program, version, procedure, args }, bytes) => {
    const resultBytes = versionsOf.get(program)?.get(version)?.resultBytes?.get(procedure);
    return resultBytes?.(bytes.subarray(bytes.length - args.left)) ?? 0;
  };
}

export function createDispatch(programs: readonly Program[], log: Logger): Dispatch {
  const versionsOf = byVersion(programs);

  return async (message, bytes, origin) => {
    const versions = versionsOf.get(message.program);
    if (versions === undefined) return { kind: 'programUnavailable' };
    const program = versions.get(message.version);
    if (program === undefined) return mismatch(versions);
    const procedure = program.procedures.get(message.procedure);
    if (procedure === undefined) {
      return message.procedure === NULL_PROCEDURE ? NOTHING : { kind: 'procedureUnavailable' };
    }
    const call = new Call(message, bytes, origin);
    if (message.procedure !== NULL_PROCEDURE) {
      const why = program.allows?.(call);
      if (why !== undefined) return { kind: 'authError', why };
    }
    try {
      const results = await procedure(message.args, call);
      return results && { kind: 'success', results };
    } catch (error) {
      if (error instanceof XdrError) return { kind: 'garbageArguments' };
      const { program, version, procedure } = message;
      log.error({ err: error, program, version, procedure, peer: origin.peer.address }, 'call failed');
      return { kind: 'systemError' };
    }
  };
}

const NOTHING: RpcReply = { kind: 'success', results: new XdrWriter(8) };

function mismatch(versions: ReadonlyMap<number, Program>): RpcReply {
  const served = [...versions.keys()];
  return { kind: 'programMismatch', low: Math.min(...served), high: Math.max(...served) };
}

class Call implements RpcCall {
  readonly xid: number;
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly credential: Credential;
  readonly peer: Peer;
  readonly transport: Transport;
  readonly #bytes: Buffer;

  constructor(message: CallMessage, bytes: Buffer, origin: Origin) {
    this.xid = message.xid;
    this.program = message.program;
    this.version = message.version;
    this.procedure = message.procedure;
    this.credential = message.credential;
    this.peer = origin.peer;
    this.transport = origin.transport;
    this.#bytes = bytes;
  }

  get checksum(): number {
    const [before, after] = lastingBytes(this.#bytes, this.credential);
    return crc32(after, crc32(before));
  }
}
