/**
 * Whatever stability is asked for, the bytes are on stable storage when the answer goes out, and the answer says
 * so: a client that hears FILE_SYNC need not keep them for a COMMIT.
 * @source RFC 1813 §3.3.7
 */
import { XdrError } from '../../xdr/error.ts';
import type { XdrReader } from '../../xdr/reader.ts';
import { readOffset, writeWccData } from '../attributes.ts';
import { TRANSFER_BYTES_MAX } from '../limits.ts';
import { procedure } from '../procedure.ts';

const FILE_SYNC = 2;

/** count, stable and data. What is more than one WRITE takes is left for the next. */
function readData(xdr: XdrReader): Buffer {
  const count = xdr.uint32();
  const stable = xdr.uint32();
  if (stable > FILE_SYNC) throw new XdrError(`stable_how is 0, 1 or 2, not ${stable}`);
  const data = xdr.opaque(xdr.left);
  if (data.length !== count) throw new XdrError(`a WRITE of ${count} bytes has ${data.length}`);
  return data.subarray(0, TRANSFER_BYTES_MAX);
}

export const write = procedure({
  name: 'WRITE',
  changes: true,
  refusal: ['wcc_data'],
  statuses: { IsDirectory: 'NFS3ERR_INVAL' },
  input: (args) => ({ file: args.file(), offset: readOffset(args.xdr), data: [readData(args.xdr)] }),
  run: async ({ files, caller, writeVerifier }, input) => {
    const { lengthBytes, ...wcc } = await files.write({ ...input, caller });
    return (out) => {
      writeWccData(out, wcc);
      out.uint32(lengthBytes).uint32(FILE_SYNC).fixed(writeVerifier);
    };
  },
});
