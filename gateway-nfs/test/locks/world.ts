/** A lock service, and hosts that use it: each with a port mapper, an NLM and an NSM of its own on real sockets. */

import { setImmediate as turn } from 'node:timers/promises';
import type { LockClient, LockClientStore, RememberedClient } from '../../src/locks/clients.ts';
import type { LockLimits } from '../../src/locks/lockLoads.ts';
import type { LocateFile } from '../../src/locks/lockManager.ts';
import { type LockService, openLockService } from '../../src/locks/lockService.ts';
import type { Pause } from '../../src/locks/pause.ts';
import { NLM_PROCEDURE, NLM_PROGRAM, NSM_PROCEDURE, NSM_PROGRAM } from '../../src/locks/wire.ts';
import { createPortmapProgram } from '../../src/portmap/portmapProgram.ts';
import { type Mapping, PROTOCOL_NUMBER } from '../../src/portmap/wire.ts';
import type { Procedure, Program, RpcCall, Transport } from '../../src/rpc/program.ts';
import { createTcpServer } from '../../src/rpc/tcpServer.ts';
import { createUdpServer } from '../../src/rpc/udpServer.ts';
import { XdrReader } from '../../src/xdr/reader.ts';
import { XdrWriter } from '../../src/xdr/writer.ts';

export const STATS = [
  'GRANTED',
  'DENIED',
  'DENIED_NOLOCKS',
  'BLOCKED',
  'DENIED_GRACE_PERIOD',
  'DEADLCK',
  'ROFS',
  'STALE_FH',
  'FBIG',
  'FAILED',
] as const;
type Stat = (typeof STATS)[number];

export const silentLog = { error: () => undefined, warn: () => undefined, info: () => undefined };

/** What must outlive a lock service, in memory. */
export class MemoryStore implements LockClientStore {
  #clients = new Map<string, RememberedClient>();
  #state = -1;

  async nextState(): Promise<number> {
    this.#state += 2;
    for (const [key, { address, name }] of this.#clients) this.#clients.set(key, { address, name });
    return this.#state;
  }
  async list(): Promise<readonly RememberedClient[]> {
    return Array.from(this.#clients.values());
  }
  async remember(client: LockClient): Promise<void> {
    this.#clients.set(JSON.stringify(client), client);
  }
  async forget(client: LockClient): Promise<void> {
    this.#clients.delete(JSON.stringify(client));
  }
  /** As it was. */
  restore(clients: readonly RememberedClient[]): void {
    this.#clients = new Map(clients.map((client) => [JSON.stringify(client), client]));
  }
  async leave(clients: readonly Required<RememberedClient>[]): Promise<void> {
    this.#clients.clear();
    for (const { held, ...client } of clients) this.#clients.set(JSON.stringify(client), { ...client, held });
  }
}

/** Handles are the names of files; one that begins with `gone` is of a removed file, with `?` of none. */
export const locateByName: LocateFile = async (handle) => {
  const text = handle.toString();
  if (text.startsWith('?')) return { kind: 'unknown' };
  if (text.startsWith('!')) return { kind: 'refused' };
  return text.startsWith('gone ') ? { kind: 'gone', file: text.slice(5) } : { kind: 'file', file: text };
};

/** Time that passes only when told. */
export class Clock {
  readonly #sleepers = new Set<() => void>();

  readonly pause: Pause = (_ms, signal) =>
    new Promise((resolve) => {
      const wake = (): void => {
        this.#sleepers.delete(wake);
        resolve();
      };
      if (signal.aborted) return resolve();
      this.#sleepers.add(wake);
      signal.addEventListener('abort', wake);
    });

  /** Ends every pause there is, and returns how many there were. */
  wakeAll(): number {
    const sleepers = Array.from(this.#sleepers);
    for (const wake of sleepers) wake();
    return sleepers.length;
  }

  /** Ends pauses until none is begun any more for a while of real time, in which loopback calls end. */
  async pass(): Promise<void> {
    for (let quiet = 0; quiet < 20; quiet += 1) {
      if (this.wakeAll() > 0) quiet = 0;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Ends pauses until the condition holds. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      this.wakeAll();
      await turn();
    }
  }
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

export interface Asked {
  readonly file?: string;
  readonly svid?: number;
  readonly offset?: bigint;
  readonly length?: bigint;
  readonly exclusive?: boolean;
  readonly block?: boolean;
  readonly reclaim?: boolean;
  readonly state?: number;
}

export interface Granted {
  readonly svid: number;
  readonly offset: bigint;
  readonly length: bigint;
  readonly procedure: number;
}

/** One host. */
export class Host {
  readonly address: string;
  readonly name: string;
  /** What NLM_GRANTED is answered with. */
  answer: Stat = 'GRANTED';
  readonly granted: Granted[] = [];
  /** Results that came by a call: procedure and status. */
  readonly results: { readonly procedure: number; readonly stat: Stat | undefined }[] = [];
  readonly notices: { readonly name: string; readonly state: number }[] = [];
  readonly #service: () => LockService;
  #close: () => Promise<unknown> = async () => undefined;

  constructor(parts: { address: string; name: string; service: () => LockService }) {
    this.address = parts.address;
    this.name = parts.name;
    this.#service = parts.service;
  }

  /** Serves what lock managers call back; returns the port of its port mapper. */
  async serve(portmapPort: number, transport: Transport = 'tcp'): Promise<number> {
    const programs = [this.#nlm(), this.#nsm()];
    const server = (transport === 'tcp' ? createTcpServer : createUdpServer)({ programs, log: silentLog });
    const { port } = await server.listen({ host: this.address, port: 0 });
    const protocol = PROTOCOL_NUMBER[transport];
    const mappings: Mapping[] = [
      { program: NLM_PROGRAM, version: 4, protocol, port },
      { program: NSM_PROGRAM, version: 1, protocol, port },
    ];
    const mapper = createTcpServer({ programs: [createPortmapProgram({ mappings })], log: silentLog });
    const address = await mapper.listen({ host: this.address, port: portmapPort });
    this.#close = () => Promise.all([server.close(), mapper.close()]);
    return address.port;
  }

  async close(): Promise<void> {
    await this.#close();
  }

  async call(program: number, procedure: number, args: XdrWriter): Promise<XdrReader> {
    const served = this.#service().programs.find((candidate) => candidate.program === program);
    const run = served?.procedures.get(procedure);
    if (run === undefined) throw new RangeError(`procedure ${procedure} of ${program}`);
    const call: RpcCall = {
      ...{ xid: 1, program, version: 4, procedure, credential: { flavor: 'none' }, checksum: 0 },
      peer: { address: this.address, port: 700 },
      transport: 'tcp',
    };
    const results = await run(new XdrReader(bytesOf(args)), call);
    return new XdrReader(bytesOf(results ?? new XdrWriter()));
  }

  async #status(procedure: number, args: XdrWriter): Promise<Stat | undefined> {
    const results = await this.call(NLM_PROGRAM, procedure, args);
    if (results.left === 0) return undefined;
    results.opaque(1024);
    return STATS[results.uint32()];
  }

  lock(asked: Asked = {}, procedure: number = NLM_PROCEDURE.LOCK): Promise<Stat | undefined> {
    const { block = false, exclusive = true, reclaim = false, state = 0 } = asked;
    const args = new XdrWriter().opaque(Buffer.from('cookie')).bool(block).bool(exclusive);
    return this.#status(procedure, this.#lock(args, asked).bool(reclaim).int32(state));
  }

  unlock(asked: Asked = {}): Promise<Stat | undefined> {
    return this.#status(NLM_PROCEDURE.UNLOCK, this.#lock(new XdrWriter().opaque(Buffer.of(1)), asked));
  }

  cancel(asked: Asked = {}): Promise<Stat | undefined> {
    const { exclusive = true } = asked;
    const args = new XdrWriter().opaque(Buffer.of(1)).bool(true).bool(exclusive);
    return this.#status(NLM_PROCEDURE.CANCEL, this.#lock(args, asked));
  }

  /** The holder that stands in the way, or the status. */
  async test(asked: Asked = {}): Promise<object | Stat | undefined> {
    const args = new XdrWriter().opaque(Buffer.of(1)).bool(asked.exclusive ?? true);
    const results = await this.call(NLM_PROGRAM, NLM_PROCEDURE.TEST, this.#lock(args, asked));
    results.opaque(1024);
    const stat = STATS[results.uint32()];
    if (stat !== 'DENIED') return stat;
    const holder = { exclusive: results.bool(), svid: results.int32(), oh: results.opaque(1024).toString() };
    const range = { offset: results.uint64(), length: results.uint64() };
    results.end();
    return { ...holder, ...range };
  }

  share(
    asked: { oh: string; deny: number; access: number; file?: string },
    procedure: number = NLM_PROCEDURE.SHARE,
  ) {
    const { file = 'file' } = asked;
    const args = new XdrWriter().opaque(Buffer.of(1)).text(this.name).text(file).text(asked.oh);
    return this.#status(procedure, args.uint32(asked.deny).uint32(asked.access).bool(false));
  }

  /** FREE_ALL, or SM_NOTIFY. */
  async notify(program: number, { name = this.name, state = 3 } = {}): Promise<void> {
    const procedure = program === NSM_PROGRAM ? NSM_PROCEDURE.NOTIFY : NLM_PROCEDURE.FREE_ALL;
    await this.call(program, procedure, new XdrWriter().text(name).int32(state));
  }

  #lock(args: XdrWriter, { file = 'file', svid = 1, offset = 0n, length = 0n }: Asked): XdrWriter {
    args.text(this.name).text(file).text(`${svid}@${this.name}`);
    return args.int32(svid).uint64(offset).uint64(length);
  }

  #nlm(): Program {
    const granted =
      (byMessage: boolean): Procedure =>
      async (args, call) => {
        const cookie = args.opaque(1024);
        args.bool();
        args.opaque(1024);
        args.opaque(64);
        args.opaque(1024);
        const told = { svid: args.int32(), offset: args.uint64(), length: args.uint64() };
        args.end();
        this.granted.push({ ...told, procedure: call.procedure });
        const answer = new XdrWriter().opaque(cookie).uint32(STATS.indexOf(this.answer));
        if (!byMessage) return answer;
        void this.call(NLM_PROGRAM, NLM_PROCEDURE.GRANTED_RES, answer);
        return undefined;
      };
    const result: Procedure = async (args, call) => {
      args.opaque(1024);
      this.results.push({ procedure: call.procedure, stat: STATS[args.uint32()] });
      return undefined;
    };
    const procedures = new Map([
      [NLM_PROCEDURE.GRANTED, granted(false)],
      [NLM_PROCEDURE.GRANTED_MSG, granted(true)],
      [NLM_PROCEDURE.TEST_RES, result],
      [NLM_PROCEDURE.LOCK_RES, result],
      [NLM_PROCEDURE.CANCEL_RES, result],
      [NLM_PROCEDURE.UNLOCK_RES, result],
    ]);
    return { program: NLM_PROGRAM, version: 4, procedures };
  }

  #nsm(): Program {
    const notify: Procedure = async (args) => {
      this.notices.push({ name: args.text(1024), state: args.int32() });
      return new XdrWriter();
    };
    return { program: NSM_PROGRAM, version: 1, procedures: new Map([[NSM_PROCEDURE.NOTIFY, notify]]) };
  }
}

export interface World {
  readonly store: MemoryStore;
  readonly clock: Clock;
  service(): LockService;
  /** What the log was told for information, in order. */
  readonly told: object[];
  /** On 127.0.0.`number`; unless `transport` is `none`, it can be called back. */
  host(number: number, options?: { name?: string; transport?: Transport | 'none' }): Promise<Host>;
  /** The server is killed, or closed, and starts anew. */
  restart(how?: 'killed' | 'closed'): Promise<void>;
  close(): Promise<void>;
}

export async function openWorld(options: { readonly limits?: LockLimits } = {}): Promise<World> {
  const store = new MemoryStore();
  const clock = new Clock();
  const hosts: Host[] = [];
  const told: object[] = [];
  // All hosts have their port mappers at one port, and the service must know it before there is a host.
  const probe = createTcpServer({ programs: [], log: silentLog });
  const { port: portmapPort } = await probe.listen({ host: '127.0.0.1', port: 0 });
  await probe.close();
  const open = (): Promise<LockService> =>
    openLockService({
      ...options,
      locate: locateByName,
      store,
      log: { ...silentLog, info: (fields) => void told.push(fields) },
      pause: clock.pause,
      portmapPort,
    });
  let service = await open();
  return {
    store,
    clock,
    told,
    service: () => service,
    async host(number, { name = `host${number}`, transport = 'tcp' } = {}) {
      const host = new Host({ address: `127.0.0.${number}`, name, service: () => service });
      hosts.push(host);
      if (transport !== 'none') await host.serve(portmapPort, transport);
      return host;
    },
    async restart(how = 'killed') {
      // Of one that is killed nothing is left but what the store had before.
      const left = await store.list();
      await service.close();
      if (how === 'killed') store.restore(left);
      service = await open();
      service.announce();
    },
    async close() {
      await service.close();
      await Promise.all(hosts.map((host) => host.close()));
    },
  };
}

export function bytesOf(writer: XdrWriter): Buffer {
  return Buffer.concat(writer.pieces);
}
