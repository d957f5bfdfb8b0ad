/** @source RFC 1813 §3.3.10 */
import { readSattr3 } from '../attributes.ts';
import { writeCreated } from '../created.ts';
import { freeEntry } from '../entries.ts';
import { procedure } from '../procedure.ts';

export const symlink = procedure({
  name: 'SYMLINK',
  changes: true,
  refusal: ['wcc_data'],
  input: (args) => ({
    where: args.entry(),
    attributes: readSattr3(args.xdr),
    target: args.xdr.opaque(args.xdr.left),
  }),
  run: async (nfs, { where, attributes, target }) => {
    const { files, caller, call } = nfs;
    const created = await files.symlink({ ...freeEntry(where), attributes, target, caller, call });
    return (out) => writeCreated(out, nfs, created);
  },
});
