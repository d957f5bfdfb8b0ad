/**
 * `df` subtracts what is free from the total and calls it used: what is used here is the volume's own, and all
 * that the store has room for is free to it, as far as its quota goes.
 * @source RFC 1813 §3.3.18
 */
import { writePostOpAttr } from '../attributes.ts';
import { procedure } from '../procedure.ts';

/** What metadata of one more file take, roughly: nothing but room bounds their number. */
const FILE_METADATA_BYTES = 1024;
/** The numbers change at any time. */
const INVARIANT_SECONDS = 0;

export const fsstat = procedure({
  name: 'FSSTAT',
  refusal: ['post_op_attr'],
  input: (args) => args.file(),
  run: async ({ files, roomBytes }, root) => {
    const [file, usage, roomLeftBytes] = await Promise.all([
      files.getattr({ file: root }),
      files.usage({ volume: root.volume }),
      roomBytes(),
    ]);
    const { quota } = usage;
    const freeBytes = Math.min(roomLeftBytes, left(quota?.bytes, usage.bytes));
    const freeFiles = Math.min(
      Math.floor(roomLeftBytes / FILE_METADATA_BYTES),
      left(quota?.inodes, usage.inodes),
    );
    return (out) => {
      writePostOpAttr(out, file);
      out
        .uint64(usage.bytes + freeBytes)
        .uint64(freeBytes)
        .uint64(freeBytes)
        .uint64(usage.inodes + freeFiles)
        .uint64(freeFiles)
        .uint64(freeFiles)
        .uint32(INVARIANT_SECONDS);
    };
  },
});

const left = (limit: number | undefined, used: number): number =>
  limit === undefined ? Number.POSITIVE_INFINITY : Math.max(0, limit - used);
