/** @source RFC 1813 §3.3.16 */
import { writePostOpAttr } from '../attributes.ts';
import {
  COOKIE_VERIFIER,
  ENTRY_BYTES,
  fill,
  LIST_BYTES,
  readPosition,
  USUAL_NAME_BYTES,
  writeListed,
} from '../directoryPages.ts';
import { DIRECTORY_BYTES_MAX } from '../limits.ts';
import { procedure } from '../procedure.ts';

export const readdir = procedure({
  name: 'READDIR',
  refusal: ['post_op_attr'],
  input: (args) => ({ ...readPosition(args), count: Math.min(args.xdr.uint32(), DIRECTORY_BYTES_MAX) }),
  run: async ({ files, caller }, { directory, after, count }) => {
    const limit = Math.ceil(count / (ENTRY_BYTES + USUAL_NAME_BYTES)) + 1;
    const page = await files.readdir({ directory, after, limit, attributes: false, caller });
    const listed = fill(page, { bytesMax: count - LIST_BYTES, entryBytes: ENTRY_BYTES });
    return (out) => {
      writePostOpAttr(out, page.directory);
      out.fixed(COOKIE_VERIFIER);
      writeListed(out, listed, () => undefined);
    };
  },
});
