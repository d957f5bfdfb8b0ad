/** The NFS door as something that listens: NFS and MOUNT on one port. */
import type { AddressInfo, Socket } from 'node:net';
import type { Core, FileRef } from '@facet/core';
import { createMountProgram, withoutLists } from './mount/program.ts';
import { FileHandles } from './nfs/handles.ts';
import { type CallOutcome, createNfsProgram } from './nfs/program.ts';
import type { Logger, Program } from './rpc/program.ts';
import { createTcpServer } from './rpc/tcpServer.ts';

export interface NfsGatewayOptions {
  readonly core: Core;
  readonly log: Logger;
  /** 32 bytes, kept as long as the store: file handles are good for as long as this is the same. */
  readonly handleKey: Buffer;
  /** 8 bytes that differ from start to start: what a client has not committed it sends again when they change. */
  readonly writeVerifier: Buffer;
  /** Bytes that can still be stored. */
  readonly roomBytes: () => Promise<number>;
  /** Told of a file whose last name was removed through this door. */
  readonly onRemoved?: (file: FileRef) => void;
  /** Told of each NFS call that was answered, but for NULL. */
  readonly onCall?: (outcome: CallOutcome) => void;
  /** Served on the same port besides NFS and MOUNT. */
  readonly programs?: readonly Program[];
}

export interface NfsGateway {
  /** What is served, for whoever tells clients which port it is on. */
  readonly programs: readonly Program[];
  /** What of it may be served over UDP, too: what it takes to mount. */
  readonly datagramPrograms: readonly Program[];
  /** @throws the operating system's error when the address cannot be bound. */
  listen(address: { readonly host: string; readonly port: number }): Promise<AddressInfo>;
  /** Serves a connection that somebody else accepted, and did not read from. */
  accept(socket: Socket): void;
  /** Takes no more calls, lets those in flight finish, then resolves. */
  close(): Promise<void>;
}

export function createNfsGateway(options: NfsGatewayOptions): NfsGateway {
  const { core, log, onRemoved, writeVerifier, roomBytes, onCall } = options;
  const { files, volumes } = core;
  const handles = new FileHandles(options.handleKey);
  const mount = createMountProgram({ core, handles, log });
  const programs = [
    createNfsProgram({ files, volumes, handles, log, onRemoved, writeVerifier, roomBytes, onCall }),
    mount,
    ...(options.programs ?? []),
  ];
  const server = createTcpServer({ programs, log });
  return {
    programs,
    datagramPrograms: [withoutLists(mount)],
    listen: (address) => server.listen(address),
    accept: (socket) => server.accept(socket),
    close: () => server.close(),
  };
}
