/** The programs of locks as any peer may call them: versions, NSM, and whatever bytes come. */

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NLM_PROGRAM, NSM_PROCEDURE, NSM_PROGRAM } from '../../src/locks/wire.ts';
import { callRpc } from '../../src/rpc/client.ts';
import { createTcpServer } from '../../src/rpc/tcpServer.ts';
import { XdrError } from '../../src/xdr/error.ts';
import { XdrWriter } from '../../src/xdr/writer.ts';
import { openWorld, silentLog, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world.close());

describe('the programs', () => {
  test('versions that are not served are told from those that are', async () => {
    const server = createTcpServer({ programs: world.service().programs, log: silentLog });
    try {
      const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
      const call = { host: '127.0.0.1', port, transport: 'tcp', procedure: 0, timeoutMs: 5000 } as const;
      const ask = (version: number) =>
        callRpc({ ...call, program: NLM_PROGRAM, version, args: new XdrWriter() });
      expect((await ask(4)).left).toBe(0);
      for (const version of [1, 3]) await expect(ask(version)).rejects.toThrow(/PROG_MISMATCH/);
    } finally {
      await server.close();
    }
  });

  test('NSM tells its state, and monitors for nobody', async () => {
    const a = await world.host(2);
    const id = new XdrWriter().text('my name').int32(1).int32(2).int32(3);
    const stat = await a.call(NSM_PROGRAM, NSM_PROCEDURE.STAT, new XdrWriter().text('name'));
    expect([stat.uint32(), stat.int32()]).toEqual([1, 1]);
    const mon = new XdrWriter().text('name').append(id).fixed(Buffer.alloc(16));
    expect((await a.call(NSM_PROGRAM, NSM_PROCEDURE.MON, mon)).uint32()).toBe(1);
    const unmon = new XdrWriter().text('name').append(id);
    expect((await a.call(NSM_PROGRAM, NSM_PROCEDURE.UNMON, unmon)).int32()).toBe(1);
    expect((await a.call(NSM_PROGRAM, NSM_PROCEDURE.UNMON_ALL, id)).int32()).toBe(1);
  });

  test('any bytes are answered, or refused as garbage', async () => {
    const a = await world.host(2, { transport: 'none' });
    const calls = world
      .service()
      .programs.flatMap(({ program, procedures }) =>
        Array.from(procedures.keys(), (procedure) => ({ program, procedure })),
      );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...calls), fc.uint8Array({ maxLength: 200 }), async (call, bytes) => {
        const whole = Buffer.from(bytes.subarray(0, bytes.length & ~3));
        try {
          await a.call(call.program, call.procedure, new XdrWriter().fixed(whole));
        } catch (error) {
          expect(error).toBeInstanceOf(XdrError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
