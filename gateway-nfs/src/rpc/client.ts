/** One call to another host's RPC server, for call-backs and for rpcbind. @source RFC 5531 */
import { randomInt } from 'node:crypto';
import dgram from 'node:dgram';
import net, { isIPv6 } from 'node:net';
import { XdrError } from '../xdr/error.ts';
import type { XdrReader } from '../xdr/reader.ts';
import { XdrWriter } from '../xdr/writer.ts';
import { type Credential, NO_CREDENTIAL } from './credentials.ts';
import { type OutgoingCall, readReply, writeCall } from './message.ts';
import type { Transport } from './program.ts';
import { type RecordBounds, RecordError, RecordReader, recordMark } from './recordMarking.ts';

/** The call was not answered, or was answered with a refusal. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
}

export interface RpcRequest {
  /** An address or a name. */
  readonly host: string;
  readonly port: number;
  readonly transport: Transport;
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly args: XdrWriter;
  /** AUTH_NONE if it is not given. */
  readonly credential?: Credential;
  /** For all of it. Over UDP the call is sent anew every second until then. */
  readonly timeoutMs: number;
}

const REPLY_BOUNDS: RecordBounds = { recordBytesMax: (1 << 20) + (64 << 10), fragmentsMax: 4096 };
const RESEND_MS = 1_000;

/**
 * Resolves to the reader of the results.
 * @throws RpcError in every case of failure, the system's error as its cause where there is one.
 */
export async function callRpc(request: RpcRequest): Promise<XdrReader> {
  const xid = randomInt(2 ** 32);
  const call: OutgoingCall = { ...request, xid, credential: request.credential ?? NO_CREDENTIAL };
  const writer = new XdrWriter();
  writeCall(writer, call);
  const exchange: Exchange = request.transport === 'tcp' ? overTcp : overUdp;
  return new Promise((resolve, reject) => {
    let close = (): void => undefined;
    const settle = (how: () => void): void => {
      clearTimeout(timer);
      close();
      close = () => undefined;
      how();
    };
    const fail: Fail = (why, cause) => {
      settle(() => reject(new RpcError(`${describe(request)} ${why}`, { cause })));
    };
    const timer = setTimeout(
      () => fail(`was not answered within ${request.timeoutMs} ms`),
      request.timeoutMs,
    );
    close = exchange(request, writer, {
      fail,
      onMessage: (bytes) => {
        const reply = readReply(bytes);
        // One to an earlier caller at this address.
        if (reply.xid !== xid) return;
        if ('refusal' in reply) fail(`was refused: ${reply.refusal}`);
        else settle(() => resolve(reply.results));
      },
    });
  });
}

type Fail = (why: string, cause?: unknown) => void;

interface Answers {
  /** @throws XdrError */
  readonly onMessage: (bytes: Buffer) => void;
  readonly fail: Fail;
}

/** Sends, and tells of whatever comes, until what it returns is called. */
type Exchange = (request: RpcRequest, call: XdrWriter, answers: Answers) => () => void;

const overTcp: Exchange = ({ host, port }, call, { onMessage, fail }) => {
  const socket = net.connect({ host, port });
  const records = new RecordReader(REPLY_BOUNDS, () => true);
  socket.on('error', (error) => fail(`failed: ${error.message}`, error));
  socket.on('close', () => fail('was not answered: the connection ended'));
  socket.on('data', (chunk: Buffer) => {
    try {
      records.push(chunk);
      for (let next = records.next(); next.kind === 'record'; next = records.next()) onMessage(next.bytes);
    } catch (error) {
      if (!(error instanceof RecordError || error instanceof XdrError)) throw error;
      fail(`was answered with nonsense: ${error.message}`, error);
    }
  });
  const marked = new XdrWriter().uint32(recordMark(call.lengthBytes)).append(call);
  for (const piece of marked.pieces) socket.write(piece);
  return () => socket.destroy();
};

const overUdp: Exchange = ({ host, port }, call, { onMessage, fail }) => {
  const socket = dgram.createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  let resend: NodeJS.Timeout | undefined;
  socket.on('error', (error) => fail(`failed: ${error.message}`, error));
  socket.on('message', (bytes) => {
    try {
      onMessage(bytes);
    } catch (error) {
      // Anybody can send a datagram: the answer may still come.
      if (!(error instanceof XdrError)) throw error;
    }
  });
  // So that only this peer's datagrams come, and that the system tells when nobody listens there.
  socket.connect(port, host, () => {
    const send = (): void => {
      socket.send([...call.pieces], (error) => {
        if (error) fail(`failed: ${error.message}`, error);
      });
    };
    send();
    resend = setInterval(send, RESEND_MS);
  });
  return () => {
    clearInterval(resend);
    socket.close();
  };
};

function describe({ program, version, procedure, transport, host, port }: RpcRequest): string {
  return `RPC ${program}.${version}.${procedure} to ${transport} ${host}:${port}`;
}
