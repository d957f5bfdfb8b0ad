/** Nothing is left to do: every WRITE was stable. @source RFC 1813 §3.3.21 */
import { readOffset, writeWccData } from '../attributes.ts';
import { procedure } from '../procedure.ts';

export const commit = procedure({
  name: 'COMMIT',
  refusal: ['wcc_data'],
  input: (args) => {
    const file = args.file();
    // Which bytes is of no interest; count is one more word.
    readOffset(args.xdr);
    args.xdr.uint32();
    return file;
  },
  run: async ({ files, caller, writeVerifier }, file) => {
    const wcc = await files.commit({ file, caller });
    return (out) => {
      writeWccData(out, wcc);
      out.fixed(writeVerifier);
    };
  },
});
