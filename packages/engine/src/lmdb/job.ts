import { writtenBytes } from '../batchRecord.ts';
import { type Bytes, EngineError, type Op, type WriteTx } from '../contract.ts';
import { resume, type Snapshot } from '../snapshot.ts';
import { WriteBuffer } from '../writeBuffer.ts';
import type { BatchState } from './batchState.ts';
import { ImmediateReads } from './immediateReads.ts';

/**
 * What one operation may write. Its batch is one record of the journal, which holds 64 MiB, and those before it have taken
 * 4 MiB of that at most, and the lengths before each of some thousand writes.
 */
const OPERATION_BYTES_MAX = 56 << 20;

/** One write operation on its way through the queue. */
export interface Job {
  /** A batch with this operation failed: it runs by itself now. */
  alone: boolean;
  /** Otherwise it is warmed up, and waits in its place: see ColdReads. */
  isReady: boolean;
  /**
   * Runs the operation from its start and, if it returns, adds its writes to `state`. Never throws.
   */
  attempt(state: BatchState): void;
  /** Tells the caller how the last attempt ended. To be called once that is durable. */
  settle(): void;
  reject(error: EngineError): void;
}

export class WriteJob<T> implements Job {
  alone = false;
  isReady = true;
  readonly #op: (tx: WriteTx) => Op<T>;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;
  #outcome: { readonly value: T } | { readonly error: unknown } | undefined;

  constructor(op: (tx: WriteTx) => Op<T>, resolve: (value: T) => void, reject: (error: unknown) => void) {
    this.#op = op;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  attempt(state: BatchState): void {
    const writes = new WriteBuffer(state);
    try {
      const value = drive(this.#op(new BufferedTx(writes)), writes);
      refuseTooLarge(writes);
      this.#outcome = { value };
      state.absorb(writes);
    } catch (error) {
      this.#outcome = { error };
    }
  }

  settle(): void {
    const outcome = this.#outcome;
    if (outcome === undefined) return;
    if ('value' in outcome) this.#resolve(outcome.value);
    else this.#reject(outcome.error);
  }

  reject(error: EngineError): void {
    this.#reject(error);
  }
}

/** Before its batch has any of it: the journal would refuse the whole batch, and that is the end of the store. */
function refuseTooLarge(writes: WriteBuffer): void {
  const lengthBytes = writtenBytes(writes);
  if (lengthBytes <= OPERATION_BYTES_MAX) return;
  const message = `${writes.keys.length} writes of ${lengthBytes} bytes are more than one transaction may hold`;
  throw new EngineError('TooLarge', message);
}

/** Runs an operation to its end, without a pause: nothing else may run inside a transaction. */
export function drive<T>(op: Op<T>, snapshot: Snapshot): T {
  let step = op.next();
  while (step.done !== true) step = resume(op, snapshot, step.value);
  return step.value;
}

class BufferedTx extends ImmediateReads implements WriteTx {
  readonly #writes: WriteBuffer;

  constructor(writes: WriteBuffer) {
    super(writes);
    this.#writes = writes;
  }

  put(key: Bytes, value: Bytes): void {
    this.#writes.put(key, value);
  }

  delete(key: Bytes): void {
    this.#writes.delete(key);
  }
}
