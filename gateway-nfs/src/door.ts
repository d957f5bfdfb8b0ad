/**
 * The whole NFS door: NFS, MOUNT, the lock manager and the status monitor on one port, TCP and UDP, and the ways that
 * clients find that port by.
 */
import type { AddressInfo, Socket } from 'node:net';
import { createNfsGateway, type NfsGatewayOptions } from './gateway.ts';
import { createLocateFile, lockedFile } from './locks/locateFile.ts';
import { openLockService } from './locks/lockService.ts';
import { FileHandles } from './nfs/handles.ts';
import { createPortmapProgram } from './portmap/portmapProgram.ts';
import { registerWithRpcbind } from './portmap/register.ts';
import { type Mapping, PORTMAP_PROGRAM, PORTMAP_VERSION, PROTOCOL_NUMBER } from './portmap/wire.ts';
import type { Program, Transport } from './rpc/program.ts';
import { createTcpServer, type TcpServer } from './rpc/tcpServer.ts';
import { createUdpServer, type UdpServer } from './rpc/udpServer.ts';

export type NfsDoorOptions = Omit<NfsGatewayOptions, 'programs' | 'onRemoved'>;

interface Address {
  readonly host: string;
  readonly port: number;
}

export interface NfsDoor {
  /** @throws the operating system's error when the address cannot be bound. */
  listen(address: Address): Promise<AddressInfo>;
  /**
   * In place of {@link listen}, where somebody else accepts connections and hands them over.
   * @throws the operating system's error when the address cannot be bound over UDP
   */
  serveAt(address: Address): Promise<void>;
  accept(socket: Socket): void;
  /** Serves a port mapper that knows this door: after {@link listen}. @throws the operating system's error */
  servePortmap(address: Address): Promise<AddressInfo>;
  /**
   * In place of {@link servePortmap}, after {@link serveAt}, where somebody else accepts its connections, too.
   * @throws the operating system's error when the address cannot be bound over UDP
   */
  servePortmapAt(address: Address): Promise<void>;
  acceptPortmap(socket: Socket): void;
  /** Tells the host's rpcbind of this door, until it closes: after {@link listen}. @throws Error that says why not */
  register(rpcbind?: Address): Promise<void>;
  /** Takes no more calls, lets those in flight finish. Locks end: their holders are told by the next start. */
  close(): Promise<void>;
}

/** Begins the grace period of locks that an earlier life of the store gave. */
export async function createNfsDoor(options: NfsDoorOptions): Promise<NfsDoor> {
  const { core, log, handleKey } = options;
  const { files, volumes, lockHosts } = core;
  const locate = createLocateFile({ files, volumes, handles: new FileHandles(handleKey) });
  const locks = await openLockService({ locate, store: lockHosts, log });
  const gateway = createNfsGateway({
    ...options,
    programs: locks.programs,
    onRemoved: (file) => locks.dropFile(lockedFile(file)),
  });
  // A client that has booted says so over UDP alone, and some mount by it; data is TCP's.
  const overUdp = [...gateway.datagramPrograms, ...locks.programs];
  const datagrams = createUdpServer({ programs: overUdp, log });
  /** What is open, each with its way to close. */
  const opened: (() => Promise<void>)[] = [];
  let served: readonly Mapping[] = [];
  let portmap: Portmap | undefined;
  const openPortmap = ({ port }: Address): Portmap => {
    const open = createPortmap(served, port, log);
    portmap = open;
    opened.push(() => open.close());
    return open;
  };
  const serveDatagrams = async ({ host, port }: Address): Promise<void> => {
    opened.push(() => datagrams.close());
    await datagrams.listen({ host, port });
    served = [...mappings(gateway.programs, 'tcp', port), ...mappings(overUdp, 'udp', port)];
    locks.announce();
  };
  return {
    async listen(address) {
      opened.push(() => gateway.close());
      const bound = await gateway.listen(address);
      await serveDatagrams({ host: address.host, port: bound.port });
      return bound;
    },
    async serveAt(address) {
      opened.push(() => gateway.close());
      await serveDatagrams(address);
    },
    accept: (socket) => gateway.accept(socket),
    async servePortmap(address) {
      const mapper = openPortmap(address);
      const bound = await mapper.streams.listen(address);
      await mapper.datagrams.listen({ host: address.host, port: bound.port });
      return bound;
    },
    async servePortmapAt(address) {
      await openPortmap(address).datagrams.listen(address);
    },
    acceptPortmap(socket) {
      if (portmap === undefined) socket.destroy();
      else portmap.streams.accept(socket);
    },
    async register(rpcbind) {
      const withdraw = await registerWithRpcbind(served, rpcbind);
      opened.push(async () => {
        try {
          await withdraw();
        } catch (error) {
          log.warn({ err: error }, 'rpcbind was not told that the NFS door closes');
        }
      });
    },
    async close() {
      // All at once: a host's rpcbind that does not answer is not to keep the door open.
      await Promise.all(opened.map((end) => end()));
      await locks.close();
    },
  };
}

const mappings = (programs: readonly Program[], transport: Transport, port: number): Mapping[] =>
  programs.map(({ program, version }) => ({ program, version, protocol: PROTOCOL_NUMBER[transport], port }));

interface Portmap {
  readonly streams: TcpServer;
  readonly datagrams: UdpServer;
  close(): Promise<void>;
}

/** The port mapper over TCP and UDP, on one port, which it names too when it is asked for itself. */
function createPortmap(served: readonly Mapping[], port: number, log: NfsDoorOptions['log']): Portmap {
  const itself = (['tcp', 'udp'] as const).map((transport) => ({
    program: PORTMAP_PROGRAM,
    version: PORTMAP_VERSION,
    protocol: PROTOCOL_NUMBER[transport],
    port,
  }));
  const programs = [createPortmapProgram({ mappings: [...itself, ...served] })];
  const streams = createTcpServer({ programs, log });
  const datagrams = createUdpServer({ programs, log });
  return {
    streams,
    datagrams,
    async close() {
      await Promise.all([streams.close(), datagrams.close()]);
    },
  };
}
