/**
 * The port mapper, version 2, for hosts without one.
 *
 * CALLIT, which calls any program on behalf of the caller, stays unanswered as the protocol has it for calls that fail:
 * it makes a proxy of a host, and an amplifier of UDP. Its list is told over UDP to this host alone, since a sender
 * may be forged there: `rpcinfo` asks over TCP.
 *
 * @source RFC 1833 §3
 */
import type { Procedure, Program, RpcCall } from '../rpc/program.ts';
import { XdrWriter } from '../xdr/writer.ts';
import { PortMappings } from './mappings.ts';
import {
  type Mapping,
  PORTMAP_PROCEDURE,
  PORTMAP_PROGRAM,
  PORTMAP_VERSION,
  readMapping,
  writeMapping,
} from './wire.ts';

/** `mappings`: what is found from the start. */
export function createPortmapProgram({ mappings }: { readonly mappings: readonly Mapping[] }): Program {
  const known = new PortMappings(mappings);
  const procedures = new Map<number, Procedure>([
    [
      PORTMAP_PROCEDURE.SET,
      async (reader, call) => {
        const mapping = readMapping(reader);
        return new XdrWriter().bool(isLocal(call) && known.add(mapping));
      },
    ],
    [
      PORTMAP_PROCEDURE.UNSET,
      async (reader, call) => {
        const mapping = readMapping(reader);
        return new XdrWriter().bool(isLocal(call) && known.remove(mapping));
      },
    ],
    [PORTMAP_PROCEDURE.GETPORT, async (reader) => new XdrWriter().uint32(known.port(readMapping(reader)))],
    [
      PORTMAP_PROCEDURE.DUMP,
      async (_, call) =>
        call.transport === 'tcp' || isLocal(call) ? new XdrWriter().list(known.all, writeMapping) : undefined,
    ],
    [PORTMAP_PROCEDURE.CALLIT, async () => undefined],
  ]);
  return { program: PORTMAP_PROGRAM, version: PORTMAP_VERSION, procedures };
}

function isLocal({ peer }: RpcCall): boolean {
  return peer.address === '::1' || peer.address.startsWith('127.');
}
