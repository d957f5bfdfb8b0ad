/** @source RFC 1813 §3.3.6 */
import { READ_SLACK_BYTES } from '@facet/core';
import { readOffset, writePostOpAttr } from '../attributes.ts';
import { TRANSFER_BYTES_MAX } from '../limits.ts';
import { procedure } from '../procedure.ts';

export const read = procedure({
  name: 'READ',
  refusal: ['post_op_attr'],
  statuses: { IsDirectory: 'NFS3ERR_INVAL' },
  input: (args) => ({
    file: args.file(),
    offset: readOffset(args.xdr),
    lengthBytes: Math.min(args.xdr.uint32(), TRANSFER_BYTES_MAX),
  }),
  run: async ({ files, caller, memory }, input) => {
    const into = memory.take(input.lengthBytes + READ_SLACK_BYTES);
    const { data, lengthBytes, end, file } = await files.read({ ...input, into, caller });
    return (out) => {
      writePostOpAttr(out, file);
      out
        .uint32(lengthBytes)
        .bool(end)
        .opaquePieces(data, lengthBytes)
        .afterUse(() => memory.give(into));
    };
  },
});
