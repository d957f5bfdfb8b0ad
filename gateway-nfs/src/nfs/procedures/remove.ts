/** @source RFC 1813 §3.3.12 */
import { writeWccData } from '../attributes.ts';
import { movableEntry } from '../entries.ts';
import { procedure } from '../procedure.ts';

export const remove = procedure({
  name: 'REMOVE',
  changes: true,
  refusal: ['wcc_data'],
  input: (args) => args.entry(),
  run: async (nfs, where) => {
    const { files, caller, call } = nfs;
    const { parent, gone } = await files.remove({ ...(await movableEntry(nfs, where)), caller, call });
    if (gone) nfs.onRemoved?.(gone);
    return (out) => writeWccData(out, parent);
  },
});
