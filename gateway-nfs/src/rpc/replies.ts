/**
 * Replies on their way to one peer. Those that become ready in the same turn of the event loop leave in one write,
 * each whole and after the other.
 */
import type { Socket } from 'node:net';
import { XdrWriter } from '../xdr/writer.ts';
import { type RpcReply, replyBytes, writeReply } from './message.ts';
import { MARK_BYTES, recordMark } from './recordMarking.ts';
import type { Sender, UnsentBudget } from './unsentBudget.ts';

/** The memory for a batch, large data apart, is that of the one before, within these bounds. */
const BATCH_BYTES_MIN = 2 << 10;
const BATCH_BYTES_MAX = 16 << 10;

const NOTHING = Buffer.alloc(0);

export interface RepliesOptions {
  readonly socket: Socket;
  readonly budget: UnsentBudget;
  /** Ends the connection: its peer takes no replies, and others need the memory. */
  readonly evict: () => void;
  /** Some were handed over to the operating system. */
  readonly onSent: () => void;
}

export class Replies implements Sender {
  readonly #socket: Socket;
  readonly #budget: UnsentBudget;
  readonly #onSent: () => void;
  readonly evict: () => void;
  #batch: XdrWriter | undefined;
  #nextBatchBytes = BATCH_BYTES_MIN;
  #unsentBytes = 0;
  #expectedBytes = 0;
  #isDropped = false;

  constructor({ socket, budget, evict, onSent }: RepliesOptions) {
    this.#socket = socket;
    this.#budget = budget;
    this.#onSent = onSent;
    this.evict = evict;
  }

  /** Not yet handed over to the operating system. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** Unsent, or to come from calls under way. */
  get heldBytes(): number {
    return this.#unsentBytes + this.#expectedBytes;
  }

  /** A call begins whose reply may be so long. */
  expect(lengthBytes: number): void {
    if (lengthBytes === 0 || this.#isDropped) return;
    this.#expectedBytes += lengthBytes;
    this.#budget.add(this, lengthBytes);
  }

  /** That call has ended; its reply comes next, if there is one. */
  expectNoMore(lengthBytes: number): void {
    if (lengthBytes === 0 || this.#isDropped) return;
    this.#expectedBytes -= lengthBytes;
    this.#budget.giveBack(this, lengthBytes, this.heldBytes);
  }

  /** `release` is called when the reply has been sent: it may refer to what lies in the memory of its call. */
  add(xid: number, reply: RpcReply, release?: () => void): void {
    if (this.#isDropped) return;
    let batch = this.#batch;
    if (batch === undefined) {
      batch = new XdrWriter(this.#nextBatchBytes);
      this.#batch = batch;
      // Runs when all that is ready by now has come here.
      process.nextTick(() => this.#send());
    }
    const lengthBytes = replyBytes(reply);
    writeReply(batch.uint32(recordMark(lengthBytes)), xid, reply);
    if (release) batch.afterUse(release);
    const addedBytes = MARK_BYTES + lengthBytes;
    this.#unsentBytes += addedBytes;
    this.#budget.add(this, addedBytes);
  }

  /** The connection is gone. */
  drop(): void {
    if (this.#isDropped) return;
    this.#isDropped = true;
    this.#batch = undefined;
    this.#budget.leave(this, this.heldBytes);
  }

  #send(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#batch = undefined;
    const socket = this.#socket;
    const { pieces, lengthBytes } = batch;
    this.#nextBatchBytes = Math.min(Math.max(lengthBytes, BATCH_BYTES_MIN), BATCH_BYTES_MAX);
    if (pieces.length > 1) socket.cork();
    for (const piece of pieces) socket.write(piece);
    if (pieces.length > 1) socket.uncork();
    const done = (error?: Error | null): void => {
      // Of what was not sent nobody knows who still looks at it.
      if (!error) batch.release();
      this.#sent(lengthBytes);
    };
    // Most often the system has it all by now; to be called back costs as much as many a call does.
    if (socket.writableLength === 0 && socket.errored === null && !socket.destroyed) done();
    // The end of a write of nothing is the end of all before it.
    else socket.write(NOTHING, done);
  }

  #sent(lengthBytes: number): void {
    if (this.#isDropped) return;
    this.#unsentBytes -= lengthBytes;
    this.#budget.sent(this, lengthBytes, this.heldBytes);
    this.#onSent();
  }
}
