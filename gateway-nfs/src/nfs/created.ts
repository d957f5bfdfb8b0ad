/** The answer that CREATE, MKDIR, SYMLINK and MKNOD have in common: handle, attributes, wcc_data of the directory. */
import type { Created } from '@facet/core';
import type { XdrWriter } from '../xdr/writer.ts';
import { writePostOpAttr, writeWccData } from './attributes.ts';
import type { NfsCall } from './procedure.ts';

export function writeCreated(out: XdrWriter, { handles }: NfsCall, { file, parent }: Created): void {
  out.optional(handles.encode(file), (to, handle) => to.opaque(handle));
  writePostOpAttr(out, file);
  writeWccData(out, parent);
}
