/** @source RFC 1813 §3.3.11 */
import type { AttributeChanges, Device } from '@facet/core';
import type { XdrReader } from '../../xdr/reader.ts';
import { FTYPE3, readSattr3 } from '../attributes.ts';
import { writeCreated } from '../created.ts';
import { freeEntry } from '../entries.ts';
import { procedure } from '../procedure.ts';
import { Nfs3Error } from '../status.ts';

type Node =
  | { readonly type: 'character' | 'block'; readonly attributes: AttributeChanges; readonly device: Device }
  | { readonly type: 'fifo' | 'socket'; readonly attributes: AttributeChanges };

/** mknoddata3. @throws Nfs3Error NFS3ERR_BADTYPE (files, directories and links are made otherwise) */
function readNode(xdr: XdrReader): Node {
  const type = xdr.uint32();
  switch (type) {
    case FTYPE3.character:
    case FTYPE3.block: {
      const attributes = readSattr3(xdr);
      const device = { major: xdr.uint32(), minor: xdr.uint32() };
      return { type: type === FTYPE3.block ? 'block' : 'character', attributes, device };
    }
    case FTYPE3.fifo:
    case FTYPE3.socket:
      return { type: type === FTYPE3.fifo ? 'fifo' : 'socket', attributes: readSattr3(xdr) };
    default:
      throw new Nfs3Error('NFS3ERR_BADTYPE', `MKNOD makes nothing of type ${type}`);
  }
}

export const mknod = procedure({
  name: 'MKNOD',
  changes: true,
  refusal: ['wcc_data'],
  input: (args) => ({ where: args.entry(), node: readNode(args.xdr) }),
  run: async (nfs, { where, node }) => {
    const { files, caller, call } = nfs;
    const created = await files.mknod({ ...freeEntry(where), ...node, caller, call });
    return (out) => writeCreated(out, nfs, created);
  },
});
