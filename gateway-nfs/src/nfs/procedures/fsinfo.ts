/** @source RFC 1813 §3.3.19 */
import { FILE_BYTES_MAX } from '@facet/core';
import { writePostOpAttr } from '../attributes.ts';
import { DIRECTORY_BYTES_MAX, TRANSFER_BYTES_MAX } from '../limits.ts';
import { procedure } from '../procedure.ts';

/** Hard links, symbolic links, PATHCONF alike everywhere, times as the client sets them. */
const PROPERTIES = 0x01 | 0x02 | 0x08 | 0x10;
/** What transfers are best a multiple of. */
const MULTIPLE_BYTES = 4096;

export const fsinfo = procedure({
  name: 'FSINFO',
  refusal: ['post_op_attr'],
  input: (args) => args.file(),
  run: async ({ files }, root) => {
    const file = await files.getattr({ file: root });
    return (out) => {
      writePostOpAttr(out, file);
      for (const _transfer of ['rt', 'wt']) {
        out.uint32(TRANSFER_BYTES_MAX).uint32(TRANSFER_BYTES_MAX).uint32(MULTIPLE_BYTES);
      }
      out.uint32(DIRECTORY_BYTES_MAX).uint64(FILE_BYTES_MAX);
      // Times are told apart by the nanosecond.
      out.uint32(0).uint32(1).uint32(PROPERTIES);
    };
  },
});
