/** @source RFC 1813 §3.3.14 */
import { isSilly } from '../../names/silly.ts';
import { writeWccData } from '../attributes.ts';
import { movableEntry, targetEntry } from '../entries.ts';
import { procedure } from '../procedure.ts';

export const rename = procedure({
  name: 'RENAME',
  changes: true,
  refusal: ['wcc_data', 'wcc_data'],
  input: (args) => ({ from: args.entry(), to: args.entry() }),
  run: async (nfs, { from, to }) => {
    const { files, caller, call } = nfs;
    const wcc = await files.rename({
      from: await movableEntry(nfs, from),
      to: await targetEntry(nfs, to),
      ...(isSilly(to.name) && { silly: true }),
      caller,
      call,
    });
    return (out) => {
      writeWccData(out, wcc.from);
      writeWccData(out, wcc.to);
    };
  },
});
