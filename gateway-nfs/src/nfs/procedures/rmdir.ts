/** @source RFC 1813 §3.3.13 */
import { writeWccData } from '../attributes.ts';
import { movableEntry } from '../entries.ts';
import { procedure } from '../procedure.ts';
import { Nfs3Error } from '../status.ts';

const PARENT = Buffer.from('..');

export const rmdir = procedure({
  name: 'RMDIR',
  changes: true,
  refusal: ['wcc_data'],
  input: (args) => args.entry(),
  run: async (nfs, where) => {
    // `.` is NFS3ERR_INVAL, but the directory above has something in it.
    if (where.name.equals(PARENT)) throw new Nfs3Error('NFS3ERR_EXIST', 'the directory above is not empty');
    const { files, caller, call } = nfs;
    const { parent } = await files.rmdir({ ...(await movableEntry(nfs, where)), caller, call });
    return (out) => writeWccData(out, parent);
  },
});
