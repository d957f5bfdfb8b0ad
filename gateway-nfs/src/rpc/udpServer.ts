/**
 * An ONC RPC server over UDP: a datagram is a call, and its reply another. Callers send again what is not answered, so
 * whatever cannot be served is dropped.
 *
 * @source RFC 5531 §4
 */
import dgram from 'node:dgram';
import { type AddressInfo, isIPv6 } from 'node:net';
import { XdrWriter } from '../xdr/writer.ts';
import { createDispatch } from './dispatch.ts';
import { type RpcReply, readCall, replyBytes, writeReply } from './message.ts';
import { peerOf } from './peer.ts';
import type { Logger, Program } from './program.ts';

/** What one datagram can carry over IPv4. */
const DATAGRAM_BYTES_MAX = 65_507;
/** Of a server, in flight at once; the system's own queue holds what comes meanwhile, and drops the rest. */
const CALLS_MAX = 256;

export interface UdpServer {
  /** Port 0 is one of the system's choice. @throws the system's error, such as EADDRINUSE. */
  listen(address: { readonly host: string; readonly port: number }): Promise<AddressInfo>;
  close(): Promise<void>;
}

export interface UdpServerOptions {
  readonly programs: readonly Program[];
  readonly log: Logger;
}

export function createUdpServer({ programs, log }: UdpServerOptions): UdpServer {
  const dispatch = createDispatch(programs, log);
  let socket: dgram.Socket | undefined;
  let calls = 0;

  const answer = async (open: dgram.Socket, bytes: Buffer, remote: dgram.RemoteInfo): Promise<void> => {
    // Nobody listens at port 0: such a sender is made up, and no answer can be sent.
    if (remote.port === 0) return;
    const message = readCall(bytes);
    if (message.kind === 'unreadable' || calls >= CALLS_MAX) return;
    let reply: RpcReply | undefined;
    if (message.kind === 'refused') {
      reply = message.reply;
    } else {
      calls += 1;
      try {
        const peer = peerOf(remote.address, remote.port);
        reply = await dispatch(message, bytes, { peer, transport: 'udp' });
      } finally {
        calls -= 1;
      }
    }
    // Closed meanwhile.
    if (reply === undefined || socket !== open) return;
    const lengthBytes = replyBytes(reply);
    if (lengthBytes > DATAGRAM_BYTES_MAX) {
      log.warn({ peer: remote.address, lengthBytes }, 'RPC reply is too long for UDP');
      reply = { kind: 'systemError' };
    }
    const writer = new XdrWriter();
    writeReply(writer, message.xid, reply);
    // A peer that cannot be reached is its own loss.
    open.send([...writer.pieces], remote.port, remote.address, () => undefined);
  };

  return {
    listen: ({ host, port }) =>
      new Promise((resolve, reject) => {
        const open = dgram.createSocket(isIPv6(host) ? 'udp6' : 'udp4');
        open.on('message', (bytes, remote) => {
          answer(open, bytes, remote).catch((error: unknown) => {
            log.error({ err: error, peer: remote.address }, 'RPC over UDP: a call was dropped');
          });
        });
        open.once('error', reject);
        open.bind({ address: host, port }, () => {
          open.off('error', reject);
          open.on('error', (error) => log.error({ err: error }, 'RPC over UDP failed'));
          socket = open;
          resolve(open.address());
        });
      }),
    close: () =>
      new Promise((resolve) => {
        const open = socket;
        socket = undefined;
        if (open === undefined) resolve();
        else open.close(() => resolve());
      }),
  };
}
