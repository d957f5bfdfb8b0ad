/** @source RFC 1813 §3.3.1 */
import { writeFattr3 } from '../attributes.ts';
import { procedure } from '../procedure.ts';

export const getattr = procedure({
  name: 'GETATTR',
  refusal: [],
  input: (args) => args.file(),
  run: async ({ files }, file) => {
    const attributes = await files.getattr({ file });
    return (out) => writeFattr3(out, attributes);
  },
});
