/** @source RFC 1813 §3.3.9 */
import { readSattr3 } from '../attributes.ts';
import { writeCreated } from '../created.ts';
import { freeEntry } from '../entries.ts';
import { procedure } from '../procedure.ts';

export const mkdir = procedure({
  name: 'MKDIR',
  changes: true,
  refusal: ['wcc_data'],
  input: (args) => ({ where: args.entry(), attributes: readSattr3(args.xdr) }),
  run: async (nfs, { where, attributes }) => {
    const { files, caller, call } = nfs;
    const created = await files.mkdir({ ...freeEntry(where), attributes, caller, call });
    return (out) => writeCreated(out, nfs, created);
  },
});
