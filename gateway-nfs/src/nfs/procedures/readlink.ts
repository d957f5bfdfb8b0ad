/** @source RFC 1813 §3.3.5 */
import { writePostOpAttr } from '../attributes.ts';
import { procedure } from '../procedure.ts';

export const readlink = procedure({
  name: 'READLINK',
  refusal: ['post_op_attr'],
  input: (args) => args.file(),
  run: async ({ files, caller }, link) => {
    const { target, file } = await files.readlink({ file: link, caller });
    return (out) => {
      writePostOpAttr(out, file);
      out.opaque(target);
    };
  },
});
