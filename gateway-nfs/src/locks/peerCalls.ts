/** Calls to a program on another host, whose port the host's own port mapper knows: call-backs of NLM, notices of NSM. */
import { isIPv6 } from 'node:net';
import {
  PORTMAP_PORT,
  PORTMAP_PROCEDURE,
  PORTMAP_PROGRAM,
  PORTMAP_VERSION,
  PROTOCOL_NUMBER,
  RPCBIND_PROCEDURE,
  RPCBIND_VERSION,
  readAddressPort,
  writeAddressQuery,
  writeMapping,
} from '../portmap/wire.ts';
import { type callRpc, RpcError } from '../rpc/client.ts';
import type { Logger, Transport } from '../rpc/program.ts';
import type { XdrReader } from '../xdr/reader.ts';
import { XdrWriter } from '../xdr/writer.ts';

interface PeerCall {
  readonly address: string;
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly args: XdrWriter;
  /** The other side may answer with a call of its own only. */
  readonly withoutReply?: boolean;
}

/** `unreached`: the call cannot have arrived. `unanswered`: it may have. */
export type PeerAnswer =
  | { readonly kind: 'answered'; readonly results: XdrReader }
  | { readonly kind: 'unreached' | 'unanswered' };

/** Never rejects. */
export type CallPeer = (call: PeerCall) => Promise<PeerAnswer>;

export interface PeerCallParts {
  readonly callRpc: typeof callRpc;
  readonly log: Logger;
  /** Where hosts have their port mappers. 111 unless told. */
  readonly portmapPort?: number;
}

/** Calls under way at once. */
const CALLS_MAX = 64;
/** Calls that wait for that. More are as good as lost. */
const QUEUE_MAX = 20_000;
const PORT_TIMEOUT_MS = 2000;
const CALL_TIMEOUT_MS = 5000;
/** Less than the time after which a message would be sent a second time. */
const MESSAGE_TIMEOUT_MS = 900;

const TRANSPORTS = ['tcp', 'udp'] as const satisfies readonly Transport[];
/** What the system says when a host or a port is not there. */
const NOT_THERE = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'EADDRNOTAVAIL']);

interface Door {
  readonly transport: Transport;
  readonly port: number;
}

export function createPeerCalls(parts: PeerCallParts): CallPeer {
  const queue: (() => void)[] = [];
  let running = 0;
  return async (call) => {
    if (running >= CALLS_MAX) {
      if (queue.length >= QUEUE_MAX) return { kind: 'unreached' };
      await new Promise<void>((resolve) => queue.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await callOnce(parts, call);
    } finally {
      // A place that becomes free goes to the next in the queue, so that the count stays.
      const next = queue.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

/** The port is asked for each time: a host that answers is there, and one that restarted has other ports. */
async function callOnce(parts: PeerCallParts, { withoutReply, ...call }: PeerCall): Promise<PeerAnswer> {
  const door = await findDoor(parts, call);
  if (door === undefined) return { kind: 'unreached' };
  const timeoutMs = withoutReply ? MESSAGE_TIMEOUT_MS : CALL_TIMEOUT_MS;
  try {
    return {
      kind: 'answered',
      results: await parts.callRpc({ ...call, ...door, host: call.address, timeoutMs }),
    };
  } catch (error) {
    if (!(error instanceof RpcError)) {
      parts.log.error({ error }, 'a call to another host failed within this one');
      return { kind: 'unanswered' };
    }
    return { kind: isNotThere(error.cause) ? 'unreached' : 'unanswered' };
  }
}

/** Where a program of a host is: over TCP if it is there, else over UDP. */
async function findDoor(
  parts: PeerCallParts,
  call: Pick<PeerCall, 'address' | 'program' | 'version'>,
): Promise<Door | undefined> {
  for (const via of TRANSPORTS) {
    for (const transport of TRANSPORTS) {
      const port = await askPort(parts, { ...call, via, transport });
      if (port === 'silent') break;
      if (port > 0 && port <= 0xffff) return { transport, port };
    }
  }
  return undefined;
}

async function askPort(
  { callRpc, portmapPort = PORTMAP_PORT }: PeerCallParts,
  asked: Pick<PeerCall, 'address' | 'program' | 'version'> & { via: Transport; transport: Transport },
): Promise<number | 'silent'> {
  const { address, program, version, via, transport } = asked;
  const mapper = { host: address, port: portmapPort, transport: via, program: PORTMAP_PROGRAM };
  const timeoutMs = PORT_TIMEOUT_MS;
  try {
    // The old protocol has no addresses but those of IPv4.
    if (isIPv6(address)) {
      const args = writeAddressQuery({ program, version, netid: `${transport}6` });
      const procedure = RPCBIND_PROCEDURE.GETADDR;
      return readAddressPort(
        await callRpc({ ...mapper, version: RPCBIND_VERSION, procedure, args, timeoutMs }),
      );
    }
    const args = writeMapping(new XdrWriter(), {
      program,
      version,
      protocol: PROTOCOL_NUMBER[transport],
      port: 0,
    });
    const procedure = PORTMAP_PROCEDURE.GETPORT;
    const reply = await callRpc({ ...mapper, version: PORTMAP_VERSION, procedure, args, timeoutMs });
    return reply.uint32();
  } catch {
    // Silence, a refusal and nonsense come to the same: it is not to be learned here.
    return 'silent';
  }
}

function isNotThere(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && NOT_THERE.has(String(cause.code));
}
