/** The port mapper over TCP and UDP, and registration with one. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPortmapProgram } from '../../src/portmap/portmapProgram.ts';
import { registerWithRpcbind } from '../../src/portmap/register.ts';
import {
  type Mapping,
  PORTMAP_PROCEDURE,
  PORTMAP_PROGRAM,
  PROTOCOL_NUMBER,
  readAddressPort,
  readMapping,
  writeMapping,
} from '../../src/portmap/wire.ts';
import { callRpc } from '../../src/rpc/client.ts';
import type { Program, Transport } from '../../src/rpc/program.ts';
import { createTcpServer } from '../../src/rpc/tcpServer.ts';
import { createUdpServer } from '../../src/rpc/udpServer.ts';
import { XdrReader } from '../../src/xdr/reader.ts';
import { XdrWriter } from '../../src/xdr/writer.ts';

const { tcp, udp } = PROTOCOL_NUMBER;
const NFS: Mapping = { program: 100_003, version: 3, protocol: tcp, port: 2049 };
const NLM: Mapping = { program: 100_021, version: 4, protocol: tcp, port: 2049 };
const NLM_UDP: Mapping = { ...NLM, protocol: udp };
const OTHER: Mapping = { program: 200_000, version: 1, protocol: tcp, port: 4000 };

const log = { error: () => undefined, warn: () => undefined, info: () => undefined };
let program: Program;
let servers: readonly { close(): Promise<void> }[];
let ports: Readonly<Record<Transport, number>>;

beforeEach(async () => {
  program = createPortmapProgram({ mappings: [NFS, NLM, NLM_UDP] });
  const overTcp = createTcpServer({ programs: [program], log });
  const overUdp = createUdpServer({ programs: [program], log });
  servers = [overTcp, overUdp];
  const address = { host: '127.0.0.1', port: 0 };
  ports = { tcp: (await overTcp.listen(address)).port, udp: (await overUdp.listen(address)).port };
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.close()));
});

function ask(procedure: number, mapping?: Mapping, transport: Transport = 'tcp'): Promise<XdrReader> {
  const args = new XdrWriter();
  if (mapping !== undefined) writeMapping(args, mapping);
  const call = { host: '127.0.0.1', port: ports[transport], transport, timeoutMs: 5000 };
  return callRpc({ ...call, program: PORTMAP_PROGRAM, version: 2, procedure, args });
}

const dump = async (transport?: Transport) =>
  (await ask(PORTMAP_PROCEDURE.DUMP, undefined, transport)).list(100, readMapping);

describe.each(['tcp', 'udp'] as const)('over %s', (transport) => {
  test('GETPORT and DUMP say what there is', async () => {
    const port = async (asked: Omit<Mapping, 'port'>) =>
      (await ask(PORTMAP_PROCEDURE.GETPORT, { ...asked, port: 0 }, transport)).uint32();
    expect(await port(NFS)).toBe(2049);
    expect(await port({ ...NFS, protocol: udp })).toBe(0);
    expect(await port({ ...NFS, program: 5 })).toBe(0);
    // The program itself says which versions it has.
    expect(await port({ ...NLM, version: 1 })).toBe(2049);
    expect(await dump(transport)).toEqual([NFS, NLM, NLM_UDP]);
  });
});

test('the list is told to other hosts over TCP alone', async () => {
  const told = (transport: Transport, address: string) =>
    program.procedures.get(PORTMAP_PROCEDURE.DUMP)?.(new XdrReader(Buffer.alloc(0)), {
      ...{ xid: 1, program: PORTMAP_PROGRAM, version: 2, procedure: PORTMAP_PROCEDURE.DUMP },
      ...{ credential: { flavor: 'none' }, peer: { address, port: 700 }, transport, checksum: 0 },
    });
  expect(await told('udp', '192.0.2.1')).toBeUndefined();
  expect(await told('udp', '::1')).toBeDefined();
  expect(await told('tcp', '192.0.2.1')).toBeDefined();
});

describe('SET and UNSET', () => {
  test('add and remove, but for what the server itself serves', async () => {
    const set = async (mapping: Mapping) => (await ask(PORTMAP_PROCEDURE.SET, mapping)).bool();
    const unset = async (mapping: Mapping) => (await ask(PORTMAP_PROCEDURE.UNSET, mapping)).bool();
    expect(await set(OTHER)).toBe(true);
    expect(await set({ ...OTHER, port: 4001 })).toBe(false);
    expect(await set({ ...OTHER, version: 2, port: 0 })).toBe(false);
    expect(await set({ ...OTHER, version: 2, port: 65_536 })).toBe(false);
    expect(await dump()).toEqual([NFS, NLM, NLM_UDP, OTHER]);
    expect(await unset(OTHER)).toBe(true);
    expect(await unset(OTHER)).toBe(false);
    expect(await unset(NLM)).toBe(false);
    expect(await dump()).toEqual([NFS, NLM, NLM_UDP]);
  });

  test('are refused from other hosts', async () => {
    for (const procedure of [PORTMAP_PROCEDURE.SET, PORTMAP_PROCEDURE.UNSET]) {
      const args = new XdrReader(Buffer.concat(writeMapping(new XdrWriter(), OTHER).pieces));
      const answer = await program.procedures.get(procedure)?.(args, {
        ...{ xid: 1, program: PORTMAP_PROGRAM, version: 2, procedure, credential: { flavor: 'none' } },
        ...{ peer: { address: '192.0.2.1', port: 700 }, transport: 'tcp', checksum: 0 },
      });
      expect(Buffer.concat(answer?.pieces ?? [])).toEqual(Buffer.alloc(4));
    }
    expect(await dump()).toEqual([NFS, NLM, NLM_UDP]);
  });

  test('CALLIT is not answered', async () => {
    const call = { host: '127.0.0.1', port: ports.udp, transport: 'udp', timeoutMs: 300 } as const;
    const args = new XdrWriter().uint32(100_003).uint32(3).uint32(0).opaque(Buffer.alloc(0));
    const procedure = PORTMAP_PROCEDURE.CALLIT;
    await expect(callRpc({ ...call, program: PORTMAP_PROGRAM, version: 2, procedure, args })).rejects.toThrow(
      /not answered/,
    );
  });
});

describe('registration', () => {
  const here = () => ({ host: '127.0.0.1', port: ports.tcp });

  test('takes the place of an earlier one, and is taken back', async () => {
    await ask(PORTMAP_PROCEDURE.SET, OTHER);
    const moved = { ...OTHER, port: 5000 };
    const both = [moved, { ...moved, protocol: udp }];
    const unregister = await registerWithRpcbind(both, here());
    expect(await dump()).toEqual([NFS, NLM, NLM_UDP, ...both]);
    await unregister();
    expect(await dump()).toEqual([NFS, NLM, NLM_UDP]);
  });

  test('leaves alone who came after', async () => {
    const unregister = await registerWithRpcbind([OTHER], here());
    const later = { ...OTHER, port: 5000 };
    await registerWithRpcbind([later], here());
    await unregister();
    expect(await dump()).toEqual([NFS, NLM, NLM_UDP, later]);
  });

  test('fails when it is refused, and when there is nobody', async () => {
    await expect(registerWithRpcbind([{ ...NFS, port: 5 }], here())).rejects.toThrow(
      /refused program 100003/,
    );
    const gone = here();
    await Promise.all(servers.map((server) => server.close()));
    servers = [];
    await expect(registerWithRpcbind([OTHER], gone)).rejects.toThrow(/ECONNREFUSED/);
  });
});

test('the port of a universal address', () => {
  const port = (text: string) =>
    readAddressPort(new XdrReader(Buffer.concat(new XdrWriter().text(text).pieces)));
  expect(port('127.0.0.1.8.1')).toBe(2049);
  expect(port('fe80::1.15.205')).toBe(4045);
  expect(['', '::1', '1.256.1', 'a.b'].map(port)).toEqual([0, 0, 0, 0]);
});
