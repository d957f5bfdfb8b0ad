/** What is no refusal but a fault, or a passing one: as the NFS program answers it. */
import { type FileView, FsError, inodeId, volumeId } from '@facet/core';
import { describe, expect, it } from 'vitest';
import { FileHandles } from '../../src/nfs/handles.ts';
import { createNfsProgram } from '../../src/nfs/program.ts';
import type { RpcCall } from '../../src/rpc/program.ts';
import { XdrReader } from '../../src/xdr/reader.ts';
import { In, Out } from '../wire.ts';
import { PROC } from './client.ts';

const CALL: RpcCall = {
  xid: 1,
  program: 100003,
  version: 3,
  procedure: PROC.GETATTR,
  credential: { flavor: 'none' },
  peer: { address: '127.0.0.1', port: 900 },
  transport: 'tcp',
  checksum: 1,
};

/** GETATTR of a file whose attributes fail as told. */
async function failing(
  error: unknown,
  { times = 1 } = {},
): Promise<{ status: number; logged: readonly object[] }> {
  const logged: object[] = [];
  const handles = new FileHandles(Buffer.alloc(32));
  const files: Partial<FileView> = {
    getattr: () => Promise.reject(error),
    whereabouts: async () => ({ volume: 'photos', path: 'a/b' }),
  };
  const program = createNfsProgram({
    // GETATTR calls nothing else, and neither does the log.
    files: files as FileView,
    volumes: {
      getExport: async () => ({
        clients: ['127.0.0.0/8'],
        readOnly: false,
        squash: 'root',
        anonymousUid: 1,
        anonymousGid: 1,
        securePorts: false,
      }),
    },
    handles,
    log: {
      error: (fields, message) => void logged.push({ ...fields, message }),
      warn: () => undefined,
      info: () => undefined,
    },
    writeVerifier: Buffer.alloc(8),
    roomBytes: async () => 0,
  });
  const handle = handles.encode({ volume: volumeId(1), inode: inodeId(1), generation: 1 });
  const statuses = new Set<number>();
  for (let time = 0; time < times; time += 1) {
    const args = new XdrReader(new Out().opaque(handle).bytes());
    const results = await program.procedures.get(PROC.GETATTR)?.(args, CALL);
    statuses.add(new In(Buffer.concat(results?.pieces ?? [])).u32());
  }
  const [status = -1, ...others] = statuses;
  expect(others).toEqual([]);
  return { status, logged };
}

describe('answers', () => {
  it.each([
    ['Busy', 10008],
    ['Closed', 10008],
    ['Failed', 5],
    ['NoSpace', 28],
    ['QuotaExceeded', 69],
    ['TooManyLinks', 31],
    ['NoSuchVolume', 70],
  ] as const)('%s with %i, and logs nothing', async (code, status) => {
    expect(await failing(new FsError(code, 'as told'))).toEqual({ status, logged: [] });
  });

  it('a bug with SERVERFAULT, and logs it', async () => {
    const bug = new TypeError('a bug');
    const { status, logged } = await failing(bug);
    expect(status).toBe(10006);
    expect(logged).toEqual([{ err: bug, procedure: 'GETATTR', message: 'call failed' }]);
  });

  it('damaged bytes with an I/O error, and logs whose and where they are, and what to do', async () => {
    const place = 'container 7, frame at 4096: block 0 does not match its checksum';
    const { status, logged } = await failing(new FsError('Corrupt', place, { cause: new Error(place) }));
    expect(status).toBe(5);
    const message = expect.stringContaining('facet fsck --full');
    expect(logged).toEqual([
      { procedure: 'GETATTR', volume: 'photos', path: 'a/b', inode: 1, damage: place, message },
    ]);
  });

  it('damaged metadata with an I/O error, and logs what to do about those', async () => {
    const record = 'the metadata record 12 is damaged';
    const { status, logged } = await failing(new FsError('Corrupt', record, { isOfMetadata: true }));
    expect(status).toBe(5);
    const message = expect.stringMatching(/^a record of the metadata is damaged: .*facet fsck --repair/);
    expect(logged).toMatchObject([{ damage: record, message }]);
  });

  it('damaged bytes with an I/O error each time, and logs them once', async () => {
    const { status, logged } = await failing(new FsError('Corrupt', 'container 7'), { times: 5 });
    expect(status).toBe(5);
    expect(logged).toHaveLength(1);
  });

  it('a bug with SERVERFAULT each time, and logs it each time', async () => {
    expect((await failing(new TypeError('a bug'), { times: 3 })).logged).toHaveLength(3);
  });
});
