/** @source RFC 1813 §3.3.2 */
import { readSattr3, readTime, writeWccData } from '../attributes.ts';
import { procedure } from '../procedure.ts';

export const setattr = procedure({
  name: 'SETATTR',
  changes: true,
  refusal: ['wcc_data'],
  statuses: { IsDirectory: 'NFS3ERR_INVAL' },
  input: (args) => {
    const file = args.file();
    const changes = readSattr3(args.xdr);
    const ifCtime = args.xdr.optional(readTime);
    return { file, changes, ...(ifCtime !== undefined && { ifCtime }) };
  },
  run: async ({ files, caller, call }, input) => {
    const wcc = await files.setattr({ ...input, caller, call });
    return (out) => writeWccData(out, wcc);
  },
});
