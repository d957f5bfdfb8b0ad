/** @source RFC 1813 §3.3.8 */
import type { CreateMode } from '@facet/core';
import type { Read, XdrReader } from '../../xdr/reader.ts';
import { readSattr3 } from '../attributes.ts';
import { writeCreated } from '../created.ts';
import { freeEntry } from '../entries.ts';
import { procedure } from '../procedure.ts';

const VERIFIER_BYTES = 8;

const CREATEHOW3: ReadonlyMap<number, Read<CreateMode>> = new Map([
  [0, (xdr: XdrReader): CreateMode => ({ kind: 'unchecked', attributes: readSattr3(xdr) })],
  [1, (xdr: XdrReader): CreateMode => ({ kind: 'guarded', attributes: readSattr3(xdr) })],
  [2, (xdr: XdrReader): CreateMode => ({ kind: 'exclusive', verifier: xdr.fixed(VERIFIER_BYTES) })],
]);

export const create = procedure({
  name: 'CREATE',
  changes: true,
  refusal: ['wcc_data'],
  statuses: { IsDirectory: 'NFS3ERR_EXIST' },
  input: (args) => ({ where: args.entry(), how: args.xdr.choose(CREATEHOW3) }),
  run: async (nfs, { where, how }) => {
    const { files, caller, call } = nfs;
    const created = await files.create({ ...freeEntry(where), how, caller, call });
    return (out) => writeCreated(out, nfs, created);
  },
});
