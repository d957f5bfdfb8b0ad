/** Calls and replies byte by byte, as RFC 1813 and RFC 5531 lay them out. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RpcTestClient } from '../rpcClient.ts';
import { startWorld, type World, WRITE_VERIFIER } from '../world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await world.close();
  expect(world.errors).toEqual([]);
});

const hex = (...words: readonly string[]): Buffer => Buffer.from(words.join('').replaceAll(' ', ''), 'hex');

async function results(procedure: number, args: Buffer): Promise<string> {
  const rpc = await RpcTestClient.connect(world.port);
  const answer = await rpc.call({ program: 100003, procedure, args, who: { uid: 0 } });
  rpc.close();
  expect(answer.accepted).toBe(0);
  return answer.results.raw(answer.results.left).toString('hex');
}

/** A file whose every attribute is told by the test. */
async function settledFile(): Promise<{ handle: Buffer; fileid: string; ctime: string }> {
  const { admin, root } = world;
  const made = await admin.create(root, `golden-${Math.random()}`, {
    kind: 'guarded',
    attributes: { mode: 0o640, uid: 7, gid: 8, size: 5, atime: [1, 2], mtime: [3, 4] },
  });
  const { ctime = 0n, fileid = 0n } = made.file ?? {};
  const word = (value: bigint): string => value.toString(16).padStart(8, '0');
  return {
    handle: made.handle ?? Buffer.alloc(0),
    fileid: fileid.toString(16).padStart(16, '0'),
    ctime: word(ctime / 1_000_000_000n) + word(ctime % 1_000_000_000n),
  };
}

const FILE = (file: { fileid: string; ctime: string }, volume: number): string =>
  [
    '00000001', // NF3REG
    '000001a0',
    '00000001',
    '00000007',
    '00000008',
    '0000000000000005',
    '0000000000000000', // used: a hole
    '0000000000000000', // rdev
    volume.toString(16).padStart(16, '0'),
    file.fileid,
    '00000001 00000002',
    '00000003 00000004',
    file.ctime,
  ]
    .join('')
    .replaceAll(' ', '');

it('GETATTR', async () => {
  const file = await settledFile();
  expect(file.handle).toHaveLength(28);
  const answer = await results(1, hex('0000001c', file.handle.toString('hex')));
  expect(answer).toBe(`00000000${FILE(file, world.volume)}`);
});

it('READ of a hole to the end', async () => {
  const file = await settledFile();
  const args = hex('0000001c', file.handle.toString('hex'), '0000000000000003', '00000010');
  expect(await results(6, args)).toBe(
    `00000000 00000001${FILE(file, world.volume)} 00000002 00000001 00000002 00000000`.replaceAll(' ', ''),
  );
});

it('WRITE: wcc_data, count, FILE_SYNC, verifier', async () => {
  const file = await settledFile();
  const args = hex(
    '0000001c',
    file.handle.toString('hex'),
    '0000000000000001',
    '00000003 00000000 00000003 61626300',
  );
  const answer = await results(7, args);
  const before = `00000001 0000000000000005 00000003 00000004 ${file.ctime}`.replaceAll(' ', '');
  expect(answer.startsWith(`00000000${before}00000001`)).toBe(true);
  expect(answer.endsWith(`0000000300000002${WRITE_VERIFIER.toString('hex')}`)).toBe(true);
  expect(answer).toHaveLength(2 * (4 + 28 + 88 + 16));
});

it('refusals without anything to tell', async () => {
  const forged = hex('0000001c', '0100', '00'.repeat(26));
  // GETATTR3res has nothing besides the status; others an absent post_op_attr or wcc_data.
  expect(await results(1, forged)).toBe('00002711');
  expect(await results(4, hex(forged.toString('hex'), '0000003f'))).toBe('0000271100000000');
  expect(await results(12, hex(forged.toString('hex'), '0000000161000000'))).toBe('000027110000000000000000');
  expect(await results(14, hex(forged.toString('hex'), '0000000161000000'))).toBe(
    '0000271100000000000000000000000000000000',
  );
});

it('FSINFO, PATHCONF: what the server can do', async () => {
  const handle = hex('0000001c', world.root.toString('hex'));
  const sizes = '00100000 00100000 00001000';
  const info = `${sizes}${sizes} 00010000 0004000000000000 00000000 00000001 0000001b`.replaceAll(' ', '');
  expect((await results(19, handle)).slice(2 * 92)).toBe(info);
  const conf = 'ffffffff 000000ff 00000001 00000001 00000000 00000001';
  expect((await results(20, handle)).slice(2 * 92)).toBe(conf.replaceAll(' ', ''));
});
