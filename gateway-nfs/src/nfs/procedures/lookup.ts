/** @source RFC 1813 §3.3.3 */
import { FsError } from '@facet/core';
import { writePostOpAttr } from '../attributes.ts';
import { namedEntry } from '../entries.ts';
import { procedure } from '../procedure.ts';

export const lookup = procedure({
  name: 'LOOKUP',
  refusal: ['post_op_attr'],
  input: (args) => args.entry(),
  run: async (call, where) => {
    const { files, handles, caller } = call;
    const { file, parent } = await files.lookup({ ...(await namedEntry(call, where)), caller });
    if (!file) throw new FsError('NoEntry', 'there is no entry of that name', { seen: { parent } });
    return (out) => {
      out.opaque(handles.encode(file));
      writePostOpAttr(out, file);
      writePostOpAttr(out, parent);
    };
  },
});
