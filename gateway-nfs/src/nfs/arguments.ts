/** A call's arguments as they are read: handles are opened on the way. */
import type { FileRef } from '@facet/core';
import type { XdrReader } from '../xdr/reader.ts';
import { type FileHandles, HANDLE_BYTES_MAX } from './handles.ts';
import { Nfs3Error } from './status.ts';

/** A name as the client sees it, which may be none. */
export interface Where {
  readonly parent: FileRef;
  readonly name: Buffer;
}

export class Arguments {
  readonly xdr: XdrReader;
  readonly #handles: FileHandles;
  readonly #files: FileRef[] = [];

  constructor(xdr: XdrReader, handles: FileHandles) {
    this.xdr = xdr;
    this.#handles = handles;
  }

  /** The files read so far, in the order of the arguments. */
  get files(): readonly FileRef[] {
    return this.#files;
  }

  /** nfs_fh3. @throws Nfs3Error NFS3ERR_BADHANDLE */
  file(): FileRef {
    const handle = this.xdr.opaque(HANDLE_BYTES_MAX);
    const file = this.#handles.decode(handle);
    if (!file) throw new Nfs3Error('NFS3ERR_BADHANDLE', `a handle of ${handle.length} bytes is none of ours`);
    this.#files.push(file);
    return file;
  }

  /** diropargs3. */
  entry(): Where {
    return { parent: this.file(), name: this.xdr.opaque(this.xdr.left) };
  }
}
