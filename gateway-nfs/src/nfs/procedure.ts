/** What an NFSv3 procedure is to the program: a name, a typed input read from the call, and one call of the core. */
import type { Caller, CallRef, FileRef, FileView } from '@facet/core';
import type { MemoryPool } from '../rpc/memory.ts';
import type { XdrWriter } from '../xdr/writer.ts';
import type { Arguments } from './arguments.ts';
import type { FileHandles } from './handles.ts';
import type { OwnStatuses } from './status.ts';

/** What every procedure may use. */
export interface NfsCall {
  readonly files: FileView;
  readonly handles: FileHandles;
  /** After squashing. */
  readonly caller: Caller;
  /** The export is: nothing may be changed through it. */
  readonly readOnly: boolean;
  /** What tells a repetition of this call from another call. */
  readonly call: CallRef;
  /** 8 bytes, others after a start that may have lost what was not committed. */
  readonly writeVerifier: Buffer;
  /** Told of a file whose last name was removed. */
  readonly onRemoved?: ((file: FileRef) => void) | undefined;
  /** For what is read. */
  readonly memory: MemoryPool;
  /** What can still be stored, in bytes. */
  readonly roomBytes: () => Promise<number>;
}

/** Writes what follows NFS3_OK. */
export type Results = (out: XdrWriter) => void;

/** What a refusal tells of each file that the call named, in the order of the arguments. */
export type Told = 'post_op_attr' | 'wcc_data';

export interface Nfs3Procedure {
  /** As RFC 1813 has it. */
  readonly name: string;
  /** It is refused on a read-only export. */
  readonly changes: boolean;
  readonly refusal: readonly Told[];
  readonly statuses: OwnStatuses;
  /** Reads the typed input; what it returns makes the call. @throws XdrError | Nfs3Error */
  readonly prepare: (args: Arguments) => (call: NfsCall) => Promise<Results>;
}

/** Ties a procedure's input to its call, so that the program's table need not know the input's type. */
export function procedure<Input>(definition: {
  readonly name: string;
  readonly changes?: true;
  readonly refusal: readonly Told[];
  readonly statuses?: OwnStatuses;
  readonly input: (args: Arguments) => Input;
  readonly run: (call: NfsCall, input: Input) => Promise<Results>;
}): Nfs3Procedure {
  const { name, changes = false, refusal, statuses = {} } = definition;
  return {
    name,
    changes,
    refusal,
    statuses,
    prepare: (args) => {
      const input = definition.input(args);
      return (call) => definition.run(call, input);
    },
  };
}
