import type { Bytes, WriteTx } from '@facet/engine';
import { afterEach, describe, expect, it } from 'vitest';
import type { Command } from '../../src/commands/command.ts';
import { create, mkdir, remove, rmdir, setattr } from '../../src/files/repeated.ts';
import { timestamp } from '../../src/ids.ts';
import type { FileAttributes } from '../../src/index.ts';
import { ENGINES, ROOT, ref, Yard } from './yard.ts';

let yard: Yard;
afterEach(() => yard.close());

interface Keys {
  readonly read: string[];
  readonly put: string[];
  readonly deleted: string[];
}

const textOf = (key: Bytes): string => Buffer.from(key).toString('hex');

function noting(tx: WriteTx, keys: Keys): WriteTx {
  return {
    get(key) {
      keys.read.push(textOf(key));
      return tx.get(key);
    },
    getMany(wanted) {
      keys.read.push(...wanted.map(textOf));
      return tx.getMany(wanted);
    },
    range: (range) => tx.range(range),
    put(key, value) {
      keys.put.push(textOf(key));
      tx.put(key, value);
    },
    delete(key) {
      keys.deleted.push(textOf(key));
      tx.delete(key);
    },
  };
}

let time = 1_000n;

/** Runs a command, and tells which keys it asked for and changed. */
async function keysOf<A, R>(
  command: Command<A, R>,
  args: A,
): Promise<{ readonly result: R; readonly keys: Keys }> {
  time += 1n;
  const context = { operationId: Buffer.alloc(16, 3), now: timestamp(time), mayGrow: true };
  let keys: Keys = { read: [], put: [], deleted: [] };
  const result = await yard.engine.write((tx) => {
    keys = { read: [], put: [], deleted: [] };
    return command.run(noting(tx, keys), args, context);
  });
  return { result, keys };
}

function expectEachOnce({ read, put, deleted }: Keys): void {
  for (const keys of [read, put, deleted]) expect(keys.toSorted()).toEqual([...new Set(keys)].toSorted());
}

describe.each(ENGINES)('the keys of a change, on %s', (engine) => {
  it('are read and written once each, and of what goes those that are there', async () => {
    yard = await Yard.open(engine);
    const at = (name: string) => ({ caller: ROOT, parent: yard.root, name: Buffer.from(name) });
    let xid = 0;
    const call = () => ({ client: '10.0.0.1', xid: ++xid, checksum: xid });
    const seen = async (attributes: FileAttributes) =>
      expect(await yard.files.getattr({ file: ref(attributes) })).toEqual(attributes);

    const how = { kind: 'guarded', attributes: { mode: 0o644 } } as const;
    const made = await keysOf(create, { ...at('file'), how, call: call() });
    expectEachOnce(made.keys);
    await seen(made.result.file);
    await seen(made.result.parent.after);

    const folder = await keysOf(mkdir, { ...at('folder'), attributes: {}, call: call() });
    expectEachOnce(folder.keys);
    await seen(folder.result.file);
    await seen(folder.result.parent.after);

    const file = ref(made.result.file);
    const set = await keysOf(setattr, { caller: ROOT, file, changes: { mode: 0o600 }, call: call() });
    expectEachOnce(set.keys);
    await seen(set.result.after);

    const gone = await keysOf(remove, { ...at('file'), call: call() });
    expectEachOnce(gone.keys);
    await seen(gone.result.parent.after);
    // Its entry, its place in the listing, its inode.
    expect(gone.keys.deleted).toHaveLength(3);

    const goneFolder = await keysOf(rmdir, { ...at('folder'), call: call() });
    expectEachOnce(goneFolder.keys);
    await seen(goneFolder.result.parent.after);
  });
});
