/** A call that was answered, sent again after kill -9 and a restart: it gets its first answer, and is not done twice. */
import assert from 'node:assert/strict';
import {
  type Call,
  EXIST,
  handleFound,
  handleMade,
  NO_ATTRIBUTES,
  NOENT,
  OK,
  opaque,
  place,
  type Reply,
  RpcConnection,
  words,
} from '@facet/nfs-client';
import type { Checks } from '../runner/suite.ts';
import type { Objects } from './objects.ts';
import type { TwoDoors } from './server.ts';

export interface Retransmission {
  readonly server: TwoDoors;
  readonly volume: string;
  readonly objects: Objects;
}

const CLIENT = '127.0.3.7';
const OTHER_CLIENT = '127.0.3.8';
const GUARDED = Buffer.concat([words(1), NO_ATTRIBUTES]);

interface Row {
  readonly call: Call;
  /** What the same call gets when it is not a retransmission. */
  readonly anew: number;
}

/** One call of each procedure that is not idempotent, on what `prepare` has made. */
function rowsIn(root: Buffer, target: Buffer): readonly Row[] {
  const at = (name: string): Buffer => place(root, name);
  const rows: readonly (readonly [Call['procedure'], Buffer, number])[] = [
    ['CREATE', Buffer.concat([at('created'), GUARDED]), EXIST],
    ['MKDIR', Buffer.concat([at('made'), NO_ATTRIBUTES]), EXIST],
    ['SYMLINK', Buffer.concat([at('symlink'), NO_ATTRIBUTES, opaque('target')]), EXIST],
    ['LINK', Buffer.concat([opaque(target), at('linked')]), EXIST],
    ['REMOVE', at('removed'), NOENT],
    ['RMDIR', at('directory'), NOENT],
    ['RENAME', Buffer.concat([at('old'), at('new')]), NOENT],
  ];
  return rows.map(([procedure, args, anew], index) => ({
    call: { xid: 1_000 + index, procedure, args },
    anew,
  }));
}

export const retransmission: Checks<Retransmission> = {
  'REMOVE, RENAME, CREATE, MKDIR and the others get their first answers': async (world) => {
    const { server, objects, volume } = world;
    for (const key of ['target', 'removed', 'directory/', 'old']) await objects.put(key, '');
    const before = await RpcConnection.open({ port: server.nfsPort, localAddress: CLIENT });
    const root = await before.mount(`/${volume}`);
    const found = await before.call({ xid: 2, procedure: 'LOOKUP', args: place(root, 'target') });
    const target = handleFound(found);
    const rows = rowsIn(root, target);
    const first: Reply[] = [];
    for (const { call } of rows) first.push(await before.call(call));
    const notDone = rows.filter((_, index) => first[index]?.status !== OK);
    assert.deepEqual(
      notDone.map(({ call }) => call.procedure),
      [],
    );
    const keys = await objects.list();

    await server.kill();
    before.close();
    await server.restart();

    const after = await RpcConnection.open({ port: server.nfsPort, localAddress: CLIENT });
    for (const [index, { call, anew }] of rows.entries()) {
      const answer = await after.call(call);
      const told = first[index];
      assert.equal(answer.status, OK, `${call.procedure} sent again is answered ${answer.status}`);
      if (told && ['CREATE', 'MKDIR', 'SYMLINK'].includes(call.procedure)) {
        assert.ok(handleMade(answer).equals(handleMade(told)), `${call.procedure}: another handle`);
      }
      const other = await after.call({ ...call, xid: call.xid + 500 });
      assert.equal(other.status, anew, `${call.procedure} as a call of its own`);
    }
    after.close();
    assert.deepEqual(await objects.list(), keys);
  },

  'a REMOVE sent again leaves what S3 put under the name since': async ({ server, objects, volume }) => {
    await objects.put('again', 'first');
    const before = await RpcConnection.open({ port: server.nfsPort, localAddress: CLIENT });
    const root = await before.mount(`/${volume}`);
    const remove: Call = { xid: 4_000, procedure: 'REMOVE', args: place(root, 'again') };
    assert.equal((await before.call(remove)).status, OK);
    await objects.put('again', 'second');
    await server.kill();
    before.close();
    await server.restart();
    const after = await RpcConnection.open({ port: server.nfsPort, localAddress: CLIENT });
    assert.equal((await after.call(remove)).status, OK);
    assert.equal((await objects.get('again'))?.toString(), 'second');
    after.close();
    // Of another client the same bytes are another call.
    const other = await RpcConnection.open({ port: server.nfsPort, localAddress: OTHER_CLIENT });
    assert.equal((await other.call(remove)).status, OK);
    assert.equal(await objects.get('again'), undefined);
    other.close();
  },

  'a call that the kill left without an answer is done once, before or after': async (world) => {
    const { server, objects, volume } = world;
    for (let round = 0; round < 5; round++) {
      const before = await RpcConnection.open({ port: server.nfsPort, localAddress: CLIENT });
      const root = await before.mount(`/${volume}`);
      const calls: readonly Call[] = Array.from({ length: 50 }, (_, at) => ({
        xid: 10_000 + 100 * round + at,
        procedure: 'CREATE',
        args: Buffer.concat([place(root, `round-${round}-${at}`), GUARDED]),
      }));
      const answeredMax = 10 + 7 * round;
      let killed = Promise.resolve();
      try {
        for (const [answered, call] of calls.entries()) {
          // Not waited for: the next call is on its way to a server that dies.
          if (answered === answeredMax) killed = server.kill();
          await before.call(call);
        }
        assert.fail('the server was not killed');
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
      }
      await killed;
      before.close();
      await server.restart();
      const after = await RpcConnection.open({ port: server.nfsPort, localAddress: CLIENT });
      for (const call of calls) assert.equal((await after.call(call)).status, OK, `xid ${call.xid}`);
      after.close();
    }
    assert.equal((await objects.list('round-')).length, 250);
  },
};
