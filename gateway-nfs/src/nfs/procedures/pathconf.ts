/** @source RFC 1813 §3.3.20 */
import { NAME_BYTES_MAX } from '../../names/escape.ts';
import { writePostOpAttr } from '../attributes.ts';
import { LINKS_MAX } from '../limits.ts';
import { procedure } from '../procedure.ts';

export const pathconf = procedure({
  name: 'PATHCONF',
  refusal: ['post_op_attr'],
  input: (args) => args.file(),
  run: async ({ files }, object) => {
    const file = await files.getattr({ file: object });
    return (out) => {
      writePostOpAttr(out, file);
      out.uint32(LINKS_MAX).uint32(NAME_BYTES_MAX);
      // no_trunc, chown_restricted, case_insensitive, case_preserving
      out.bool(true).bool(true).bool(false).bool(true);
    };
  },
});
