/**
 * What a server might acknowledge and not keep. Each must be found by the soak's check after the restart, or the soak would
 * miss such a loss.
 */
import {
  type CallMessage,
  Cursor,
  HANDLE_BYTES_MAX,
  handleFound,
  JUKEBOX,
  NFS_PROGRAM,
  NOENT,
  OK,
  opaque,
  PROCEDURES,
  type RpcConnection,
  readChanged,
  readSizeBytes,
  readWritten,
  replyRecord,
  words,
} from '@facet/nfs-client';
import { md5 } from './bodies.ts';
import type { Lie, NfsLie, S3Lie, S3Request } from './goBetween.ts';
import { BUCKET } from './objects.ts';

export interface PlantedLie {
  /** For one run: some remember what they began. */
  readonly lie: () => Lie;
  /** What the check says of the keys that it is about. */
  readonly found: readonly RegExp[];
}

type Procedure = keyof typeof PROCEDURES;

const UNSTABLE = 0;
const FILE_SYNC = 2;
/** So many random bytes are not there already. */
const WRITE_BYTES_MIN = 16;
const WRITE_BYTES_MAX = 1 << 20;
const NAME_BYTES_MAX = 255;
/** `wcc_data` that says nothing of before and after. */
const NO_WCC_DATA = words(0, 0);
const VERIFIER = Buffer.from('made up.');
const NO_ATTRIBUTES_TOLD = words(0);
/** Of calls that no reply cache remembers. */
const ASKED_XID = 1;

const NOTHING_INSTEAD = /: found nothing, where \S+ \(.+\) was acknowledged or asked$/;
const SOMETHING_INSTEAD_OF_NOTHING = /: found \S+ \(.+\), where nothing was acknowledged or asked$/;
const OTHER_INSTEAD = /: found \S+ \(.+\), where \S+ \(.+\) was acknowledged or asked$/;
/** Of changes on a condition the check does not know the order. */
const ONE_OF_SOME_LOST = /: found .+, where .+ or \S+ \(.+\) was acknowledged or asked$/;
const CHANGED_IN_PART = /: found changed in part, where all of it or nothing was acknowledged or asked$/;
/** What was to be there may have been nothing. */
const OTHER_INSTEAD_OF_ANYTHING = /: found \S+ \(.+\), where .+ was acknowledged or asked$/;
const ANYTHING_INSTEAD = /: found .+, where \S+ \(.+\) was acknowledged or asked$/;

function isCall(call: CallMessage, procedure: Procedure): boolean {
  return call.program === NFS_PROGRAM && call.procedure === PROCEDURES[procedure];
}

/** The call was done, if these are its results. */
function answering({ xid }: CallMessage, ...results: readonly Buffer[]): NfsLie {
  return { reply: replyRecord({ xid, results: Buffer.concat([words(OK), ...results]) }) };
}

/** @param resultsOf of a call that is lied about, undefined for one that is not */
function byNfs(
  procedure: Procedure,
  resultsOf: (call: CallMessage, server: RpcConnection) => Promise<Buffer | undefined>,
): () => Lie {
  return () => ({
    nfs: async (call, server) => {
      if (!isCall(call, procedure)) return undefined;
      const results = await resultsOf(call, server);
      return results && answering(call, results);
    },
  });
}

function byS3(isMeant: (request: S3Request) => boolean, answer: (request: S3Request) => S3Lie): () => Lie {
  return () => ({ s3: (request) => (isMeant(request) ? answer(request) : undefined) });
}

interface WriteArgs {
  readonly file: Buffer;
  readonly offset: number;
  readonly stable: number;
  readonly bytes: Buffer;
}

function writeArgs({ args }: CallMessage): WriteArgs {
  const from = new Cursor(args);
  const file = from.opaque(HANDLE_BYTES_MAX);
  const offset = from.long();
  from.word();
  return { file, offset, stable: from.word(), bytes: from.opaque(WRITE_BYTES_MAX) };
}

function written({ bytes, stable }: WriteArgs): Buffer {
  return Buffer.concat([NO_WCC_DATA, words(bytes.length, stable), VERIFIER]);
}

const stableWrite = (call: CallMessage): WriteArgs | undefined => {
  const write = writeArgs(call);
  return write.stable === FILE_SYNC && write.bytes.length >= WRITE_BYTES_MIN ? write : undefined;
};

/** Unstable bytes are in memory until a COMMIT, which drops them. */
function droppedCommit(): Lie {
  let begun: Buffer | undefined;
  return {
    nfs: async (call) => {
      if (isCall(call, 'WRITE') && begun === undefined) {
        const write = writeArgs(call);
        if (write.stable !== UNSTABLE || write.bytes.length < WRITE_BYTES_MIN) return undefined;
        begun = write.file;
        return { ...answering(call, written(write)), isOnlyBegun: true };
      }
      if (!isCall(call, 'COMMIT') || begun === undefined) return undefined;
      const file = new Cursor(call.args).opaque(HANDLE_BYTES_MAX);
      return file.equals(begun) ? answering(call, NO_WCC_DATA, VERIFIER) : undefined;
    },
  };
}

/** Undefined where the file has that size already. */
async function droppedSize({ args }: CallMessage, server: RpcConnection): Promise<Buffer | undefined> {
  const from = new Cursor(args);
  const file = from.opaque(HANDLE_BYTES_MAX);
  // Neither mode nor owner nor group.
  from.fixed(12);
  if (!from.bool()) return undefined;
  const sizeBytes = from.long();
  return (await sizeOf(server, file)) === sizeBytes ? undefined : NO_WCC_DATA;
}

async function sizeOf(server: RpcConnection, file: Buffer): Promise<number> {
  return readSizeBytes(await server.call({ xid: ASKED_XID, procedure: 'GETATTR', args: opaque(file) }));
}

/** Undefined where both names may have the same bytes. */
async function droppedRename({ args }: CallMessage, server: RpcConnection): Promise<Buffer | undefined> {
  const from = new Cursor(args);
  const sizeBytes = async (): Promise<number | undefined> => {
    const entry = [opaque(from.opaque(HANDLE_BYTES_MAX)), opaque(from.opaque(NAME_BYTES_MAX))];
    const found = await server.call({ xid: ASKED_XID, procedure: 'LOOKUP', args: Buffer.concat(entry) });
    return found.status === NOENT ? undefined : sizeOf(server, handleFound(found));
  };
  const [source, target] = [await sizeBytes(), await sizeBytes()];
  return source === target ? undefined : Buffer.concat([NO_WCC_DATA, NO_WCC_DATA]);
}

/** The file has neither name then, and nobody is told. */
function halfARename(): Lie {
  return {
    nfs: async (call, server) => {
      if (!isCall(call, 'RENAME') || (await droppedRename(call, server)) === undefined) return undefined;
      const from = new Cursor(call.args);
      const source = [opaque(from.opaque(HANDLE_BYTES_MAX)), opaque(from.opaque(NAME_BYTES_MAX))];
      readChanged(await server.call({ xid: ASKED_XID, procedure: 'REMOVE', args: Buffer.concat(source) }));
      return { reply: Buffer.alloc(0) };
    },
  };
}

/** The call is done, and answered as one that is to come again. */
function puttingOff(procedure: Procedure, isMeant: (call: CallMessage) => boolean = () => true): () => Lie {
  return () => ({
    nfs: async (call, server) => {
      if (!isCall(call, procedure) || !isMeant(call)) return undefined;
      const { status } = await server.call({ xid: ASKED_XID, procedure, args: call.args });
      if (status !== OK) return undefined;
      const results = Buffer.concat([words(JUKEBOX), NO_WCC_DATA]);
      return { reply: replyRecord({ xid: call.xid, results }) };
    },
  });
}

async function write(server: RpcConnection, { file, offset, bytes }: WriteArgs): Promise<void> {
  const args = Buffer.concat([opaque(file), words(0, offset, bytes.length, FILE_SYNC), opaque(bytes)]);
  readWritten(await server.call({ xid: ASKED_XID, procedure: 'WRITE', args }));
}

const isOfObject = ({ path }: S3Request): boolean => path.startsWith(`/${BUCKET}/`) && !path.includes('?');
const isPut = (request: S3Request): boolean =>
  request.method === 'PUT' && isOfObject(request) && request.headers['x-amz-copy-source'] === undefined;
const isConditional = ({ headers }: S3Request): boolean =>
  headers['if-match'] !== undefined || headers['if-none-match'] !== undefined;
const stored = ({ body }: S3Request): S3Lie => ({
  status: 200,
  headers: { ETag: `"${md5(body).toString('hex')}"` },
});

export const LIES: Readonly<Record<string, PlantedLie>> = {
  'a stable WRITE is dropped': {
    lie: byNfs('WRITE', async (call) => {
      const args = stableWrite(call);
      return args && written(args);
    }),
    found: [OTHER_INSTEAD],
  },
  'a stable WRITE leaves zeros where its bytes were to be': {
    lie: byNfs('WRITE', async (call, server) => {
      const args = stableWrite(call);
      if (args === undefined) return undefined;
      await write(server, { ...args, bytes: Buffer.alloc(args.bytes.length) });
      return written(args);
    }),
    found: [OTHER_INSTEAD],
  },
  'what was written and then committed is dropped': { lie: droppedCommit, found: [OTHER_INSTEAD] },
  'a truncation is dropped': { lie: byNfs('SETATTR', droppedSize), found: [OTHER_INSTEAD] },
  'a RENAME is dropped': {
    lie: byNfs('RENAME', droppedRename),
    found: [SOMETHING_INSTEAD_OF_NOTHING, ANYTHING_INSTEAD],
  },
  'half of a RENAME is done, and not answered': { lie: halfARename, found: [CHANGED_IN_PART] },
  'a REMOVE is dropped': {
    lie: byNfs('REMOVE', async () => NO_WCC_DATA),
    found: [SOMETHING_INSTEAD_OF_NOTHING],
  },
  'a CREATE is dropped': {
    lie: byNfs('CREATE', async () =>
      Buffer.concat([words(1), opaque('no file'), NO_ATTRIBUTES_TOLD, NO_WCC_DATA]),
    ),
    found: [NOTHING_INSTEAD],
  },
  'a PUT is dropped': {
    lie: byS3((request) => isPut(request) && !isConditional(request), stored),
    found: [ANYTHING_INSTEAD],
  },
  'a PUT on a condition is dropped': {
    lie: byS3((request) => isPut(request) && isConditional(request), stored),
    found: [ONE_OF_SOME_LOST],
  },
  'a DELETE is dropped': {
    lie: byS3(
      (request) => request.method === 'DELETE' && isOfObject(request) && !isConditional(request),
      () => ({ status: 204, headers: {} }),
    ),
    found: [SOMETHING_INSTEAD_OF_NOTHING],
  },
  'a stable WRITE is done, and put off': {
    lie: puttingOff('WRITE', (call) => stableWrite(call) !== undefined),
    found: [OTHER_INSTEAD],
  },
  'a REMOVE is done, and put off': { lie: puttingOff('REMOVE'), found: [NOTHING_INSTEAD] },
  'a PUT is done, and put off': {
    lie: byS3(isPut, () => ({
      status: 503,
      headers: {},
      body: '<Error><Code>SlowDown</Code></Error>',
      isDone: true,
    })),
    found: [OTHER_INSTEAD_OF_ANYTHING],
  },
};

/** No lie: what was acknowledged is there. */
export const NO_LIE: () => Lie = byNfs('WRITE', async (call, server) => {
  const args = stableWrite(call);
  if (args === undefined) return undefined;
  await write(server, args);
  return written(args);
});

/** Nobody asked for what it answers. */
export const REPLY_TO_ANOTHER_CALL: () => Lie = () => ({
  nfs: async (call) =>
    isCall(call, 'CREATE') ? answering({ ...call, xid: call.xid ^ 1 }, NO_WCC_DATA) : undefined,
});
