/** @source RFC 1813 §3.3.15 */
import { writePostOpAttr, writeWccData } from '../attributes.ts';
import { freeEntry } from '../entries.ts';
import { procedure } from '../procedure.ts';

export const link = procedure({
  name: 'LINK',
  changes: true,
  refusal: ['post_op_attr', 'wcc_data'],
  input: (args) => ({ file: args.file(), where: args.entry() }),
  run: async ({ files, caller, call }, { file, where }) => {
    const linked = await files.link({ file, ...freeEntry(where), caller, call });
    return (out) => {
      writePostOpAttr(out, linked.file.after);
      writeWccData(out, linked.parent);
    };
  },
});
