/** @source RFC 1813 §3.3.17 */
import { POST_OP_ATTR_BYTES, writePostOpAttr } from '../attributes.ts';
import {
  COOKIE_VERIFIER,
  ENTRY_BYTES,
  fill,
  LIST_BYTES,
  readPosition,
  USUAL_NAME_BYTES,
  writeListed,
} from '../directoryPages.ts';
import { HANDLE_BYTES } from '../handles.ts';
import { DIRECTORY_BYTES_MAX } from '../limits.ts';
import { procedure } from '../procedure.ts';

/** With its attributes, and its handle behind a flag and a length. */
const ENTRYPLUS_BYTES = ENTRY_BYTES + POST_OP_ATTR_BYTES + 4 + 4 + HANDLE_BYTES;

export const readdirplus = procedure({
  name: 'READDIRPLUS',
  refusal: ['post_op_attr'],
  input: (args) => ({
    ...readPosition(args),
    dircount: args.xdr.uint32(),
    maxcount: Math.min(args.xdr.uint32(), DIRECTORY_BYTES_MAX),
  }),
  run: async ({ files, handles, caller }, { directory, after, dircount, maxcount }) => {
    const fit = Math.min(
      maxcount / (ENTRYPLUS_BYTES + USUAL_NAME_BYTES),
      dircount / (ENTRY_BYTES + USUAL_NAME_BYTES),
    );
    const limit = Math.ceil(fit) + 1;
    const page = await files.readdir({ directory, after, limit, attributes: true, caller });
    const listed = fill(page, {
      bytesMax: maxcount - LIST_BYTES,
      entryBytes: ENTRYPLUS_BYTES,
      namesBytesMax: dircount,
    });
    return (out) => {
      writePostOpAttr(out, page.directory);
      out.fixed(COOKIE_VERIFIER);
      writeListed(out, listed, (to, { attributes }) => {
        writePostOpAttr(to, attributes);
        to.optional(attributes && handles.encode(attributes), (at, handle) => at.opaque(handle));
      });
    };
  },
});
