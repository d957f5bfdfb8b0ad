/**
 * One TCP connection: bytes → records → calls → replies, in the order they become ready.
 *
 * It is read from only while its calls may run: fewer than `callsMax` in flight, its replies taken by the peer, and
 * the server's admission granted. Otherwise the peer's own window fills, and it waits.
 */
import type { Socket } from 'node:net';
import type { Admission, Claimant } from './admission.ts';
import type { Dispatch, Forecast, Origin } from './dispatch.ts';
import type { MemoryPool } from './memory.ts';
import { type CallMessage, readCall } from './message.ts';
import type { Logger, Peer } from './program.ts';
import { readInto } from './readInto.ts';
import { type NextRecord, type RecordBounds, RecordError, RecordReader, STARVED } from './recordMarking.ts';
import { Replies } from './replies.ts';
import type { UnsentBudget } from './unsentBudget.ts';

export interface ConnectionBounds extends RecordBounds {
  /** In flight at once. */
  readonly callsMax: number;
  /** With more of replies than this not taken by the peer or under way, no further call is begun. */
  readonly unsentBytesMax: number;
}

export interface ConnectionOptions {
  readonly socket: Socket;
  readonly peer: Peer;
  readonly bounds: ConnectionBounds;
  readonly admission: Admission;
  /** For long records. */
  readonly memory: MemoryPool;
  readonly unsent: UnsentBudget;
  readonly dispatch: Dispatch;
  readonly forecast: Forecast;
  readonly log: Logger;
  readonly onClosed: (connection: Connection) => void;
}

type TakenRecord = Extract<NextRecord, { readonly kind: 'record' }>;
/** `expectedBytes`: what its reply may take. */
type BegunCall = TakenRecord & { readonly expectedBytes: number };

export class Connection implements Claimant {
  readonly #socket: Socket;
  readonly #origin: Origin;
  readonly #options: ConnectionOptions;
  readonly #records: RecordReader;
  readonly #replies: Replies;
  #calls = 0;
  /** There may be bytes in the record reader, and the socket is not read from. */
  #isHeldBack = false;
  /** No further call is begun; when all are answered, the connection ends. */
  #isEnding = false;
  #isClosed = false;

  constructor(options: ConnectionOptions) {
    const { socket, bounds, admission, memory } = options;
    this.#socket = socket;
    this.#options = options;
    this.#origin = { peer: options.peer, transport: 'tcp' };
    this.#records = new RecordReader(bounds, (lengthBytes) => admission.take(this, lengthBytes), memory);
    this.#replies = new Replies({
      socket,
      budget: options.unsent,
      evict: () => this.#refuse('its replies are not taken, and others need the memory'),
      onSent: () => this.#continue(),
    });
    readInto(socket, (chunk) => {
      this.#records.push(chunk);
      this.#serve();
    });
    socket.on('end', () => this.end());
    // Whatever it is, the connection is closed next, and the client connects anew.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#close());
  }

  /** Bytes that went either way: while it stays the same, the peer neither sends nor takes. */
  get progressBytes(): number {
    return this.#socket.bytesRead + this.#socket.bytesWritten - this.#socket.writableLength;
  }

  /** What the server waits for the peer to do, or the peer for the server. */
  get state(): 'stalled' | 'busy' | 'idle' {
    if (this.#replies.unsentBytes > 0) return 'stalled';
    if (this.#calls > 0 || this.#isHeldBack) return 'busy';
    return this.#records.isWithinRecord ? 'stalled' : 'idle';
  }

  /** Answers what is in flight, begins nothing more, and closes. */
  end(): void {
    this.#isEnding = true;
    this.#endIfAnswered();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#close();
  }

  wake(): void {
    this.#continue();
  }

  evict(): void {
    this.#refuse('its record does not come to an end, and others need the memory');
  }

  /** Goes on where it was held back. */
  #continue(): void {
    if (this.#isHeldBack) this.#serve();
    else this.#endIfAnswered();
  }

  #serve(): void {
    try {
      this.#takeRecords();
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      this.#refuse(error.message);
    }
  }

  #takeRecords(): void {
    const { bounds, admission } = this.#options;
    while (!this.#isClosed && !this.#isEnding) {
      // Whatever ends, a call or the sending of replies, comes back here.
      if (this.#calls >= bounds.callsMax || this.#replies.heldBytes > bounds.unsentBytesMax) {
        this.#holdBack();
        return;
      }
      const next = admission.hasRoomForCall ? this.#records.next() : STARVED;
      switch (next.kind) {
        case 'record':
          this.#take(next);
          break;
        case 'more':
          this.#readOn();
          return;
        case 'starved':
          this.#holdBack();
          admission.wait(this, this.#records.keptBytes);
          return;
      }
    }
  }

  #take(record: TakenRecord): void {
    const { admission, memory, forecast } = this.#options;
    const { takenBytes } = record;
    if (takenBytes > 0) admission.gathered(this);
    // What was not gathered lies in memory that the next chunk comes to.
    const bytes = takenBytes > 0 ? record.bytes : Buffer.from(record.bytes);
    const message = readCall(bytes);
    if (message.kind === 'call') {
      admission.startCall();
      this.#calls += 1;
      const expectedBytes = forecast(message, bytes);
      void this.#run(message, { ...record, bytes, expectedBytes });
      this.#replies.expect(expectedBytes);
      return;
    }
    if (takenBytes > 0) admission.release(takenBytes);
    if (record.memory) memory.give(record.memory);
    if (message.kind === 'refused') this.#replies.add(message.xid, message.reply);
    else this.#refuse(message.why);
  }

  async #run(message: CallMessage, call: BegunCall): Promise<void> {
    const { bytes, takenBytes, memory, expectedBytes } = call;
    const reply = await this.#options.dispatch(message, bytes, this.#origin);
    this.#calls -= 1;
    this.#replies.expectNoMore(expectedBytes);
    const give = memory && (() => this.#options.memory.give(memory));
    if (reply !== undefined) this.#replies.add(message.xid, reply, give);
    else give?.();
    this.#options.admission.endCall(takenBytes);
    this.#continue();
  }

  #holdBack(): void {
    if (this.#isHeldBack) return;
    this.#isHeldBack = true;
    this.#records.keep();
    this.#socket.pause();
  }

  #readOn(): void {
    if (!this.#isHeldBack) return;
    this.#isHeldBack = false;
    this.#socket.resume();
  }

  #endIfAnswered(): void {
    if (!this.#isEnding || this.#calls > 0 || this.#replies.unsentBytes > 0) return;
    this.#socket.destroySoon();
  }

  #refuse(why: string): void {
    if (this.#isClosed) return;
    this.#options.log.warn({ peer: this.#origin.peer.address, why }, 'RPC connection ended');
    this.destroy();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#replies.drop();
    this.#options.admission.leave(this);
    this.#options.onClosed(this);
  }
}
