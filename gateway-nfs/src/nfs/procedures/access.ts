/**
 * What the caller may do, by mode bits: of a directory to write means to make, change and remove entries, which
 * takes leave to look them up as well.
 * @source RFC 1813 §3.3.4
 */
import { writePostOpAttr } from '../attributes.ts';
import { procedure } from '../procedure.ts';

const ACCESS3 = {
  READ: 0x01,
  LOOKUP: 0x02,
  MODIFY: 0x04,
  EXTEND: 0x08,
  DELETE: 0x10,
  EXECUTE: 0x20,
} as const;

const WRITES = {
  directory: ACCESS3.MODIFY | ACCESS3.EXTEND | ACCESS3.DELETE,
  other: ACCESS3.MODIFY | ACCESS3.EXTEND,
} as const;

interface Allowed {
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
}

function directoryAccess({ read, write, execute }: Allowed): number {
  return (
    (read ? ACCESS3.READ : 0) | (execute ? ACCESS3.LOOKUP : 0) | (write && execute ? WRITES.directory : 0)
  );
}

function otherAccess({ read, write, execute }: Allowed): number {
  return (read ? ACCESS3.READ : 0) | (write ? WRITES.other : 0) | (execute ? ACCESS3.EXECUTE : 0);
}

export const access = procedure({
  name: 'ACCESS',
  refusal: ['post_op_attr'],
  input: (args) => ({ file: args.file(), asked: args.xdr.uint32() }),
  run: async ({ files, caller, readOnly }, { file: ref, asked }) => {
    const { file, ...allowed } = await files.access({ file: ref, caller });
    const effective = readOnly ? { ...allowed, write: false } : allowed;
    const granted = file.type === 'directory' ? directoryAccess(effective) : otherAccess(effective);
    return (out) => {
      writePostOpAttr(out, file);
      out.uint32(granted & asked);
    };
  },
});
