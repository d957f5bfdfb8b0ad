/** The store as a worker reaches it: its metadata to read, its containers, and the process that writes for it. */

import { type Answers, errorCodec, interrupted, type OtherEnd, StoreAccess } from '@facet/core';
import { LmdbReplica } from '@facet/engine';
import { type ContainerLease, containerName, LocalExtentStore, NodeDisk } from '@facet/extents';
import { Connection, connectToListener } from '@facet/link';
import type { Logger } from 'pino';
import { EXIT } from '../../../exitCodes.ts';
import { storeLayout } from '../../../store/layout.ts';
import { endsWithin } from '../../deadline.ts';
import type { CallsOfStore, CallsOfWorker } from '../protocol/messages.ts';
import { INHERITED_FD } from '../protocol/messages.ts';
import { SharedState } from '../protocol/sharedState.ts';
import type { StartedWorker } from './workerProcess.ts';

/** Of a store whose process ended the supervisor tells at once. */
const TOLD_MS_MAX = 5_000;

export class StoreLink<Calls extends CallsOfWorker> {
  readonly state = SharedState.open(INHERITED_FD.words);
  readonly access = new StoreAccess();
  readonly replica: LmdbReplica;
  readonly disk: NodeDisk;
  readonly #start: StartedWorker;
  readonly #logger: Logger;
  readonly #onAway: () => void;
  #checksumErrors = (): number => 0;
  #answers: Answers<Calls> | undefined;
  #connection: Connection<Calls, CallsOfStore> | undefined;
  /** Until the supervisor tells why there is no connection. */
  #cutOff: NodeJS.Timeout | undefined;
  /** How often the supervisor told something. */
  #told = 0;
  #isSpent = false;
  /** How often the store went away on purpose. */
  #suspensions = 0;

  /** @param parts `onAway`: told each time that the store is there no more */
  constructor(parts: {
    readonly start: StartedWorker;
    readonly logger: Logger;
    readonly onAway?: () => void;
  }) {
    this.#start = parts.start;
    this.#logger = parts.logger;
    this.#onAway = parts.onAway ?? (() => undefined);
    const layout = storeLayout(parts.start.settings.data);
    this.replica = new LmdbReplica({ path: layout.metadata });
    this.disk = new NodeDisk(layout.extents);
  }

  /** The store, while it is there. */
  get store(): OtherEnd<CallsOfStore> | undefined {
    return this.#connection;
  }

  /** Since this process began. */
  get checksumErrors(): number {
    return this.#checksumErrors();
  }

  /** There may be bytes of this run that only its recovery finds: another should take its place. */
  get isSpent(): boolean {
    return this.#isSpent;
  }

  /** What the core of a worker is opened with. */
  get parts() {
    const logger = this.#logger;
    return {
      access: this.access,
      replica: this.replica,
      freshness: this.state,
      instance: Buffer.from(this.#start.instance, 'hex'),
      openExtents: async (lease: ContainerLease) => {
        const extents = new LocalExtentStore({
          disk: this.disk,
          lease,
          onWriteFault: ({ container, error }) =>
            logger.error(
              { container: containerName(container, 'segment'), err: error },
              'a segment could not be written and is given up',
            ),
        });
        this.#checksumErrors = () => extents.checksumErrors;
        return extents;
      },
      onLeftBehind: () => {
        this.#isSpent = true;
      },
      onFault: ({ doing, error }: { readonly doing: string; readonly error: unknown }) =>
        logger.error({ doing, err: error }, 'background work failed, and goes on'),
    };
  }

  /** Connects, and answers from now on, now and whenever the store is back. */
  async serve(answers: Answers<Calls>): Promise<void> {
    this.#answers = answers;
    await this.resume();
  }

  async resume(): Promise<void> {
    const told = this.#hear();
    const suspensions = this.#suspensions;
    const { meeting, instance } = this.#start;
    const socket = await connectToListener({
      address: meeting.address,
      secret: Buffer.from(meeting.secret, 'hex'),
      name: Buffer.from(instance, 'hex'),
    }).catch(() => undefined);
    if (this.#answers === undefined) return;
    if (socket === undefined) {
      this.#endUnlessTold(told);
      return;
    }
    if (suspensions !== this.#suspensions) {
      socket.destroy();
      return;
    }
    const opened = new Connection<Calls, CallsOfStore>({
      socket,
      errors: errorCodec,
      lost: interrupted,
      onGarbled: (err) =>
        this.#logger.error({ err }, 'what the process of the store sent is no message: the connection ends'),
    });
    opened.serve(this.#answers);
    this.#connection = opened;
    void opened.over.then(() => {
      if (this.#connection !== opened) return;
      this.#away();
      this.#endUnlessTold(told);
    });
    await this.#openMetadata(opened);
  }

  async #openMetadata(connection: Connection<Calls, CallsOfStore>): Promise<void> {
    try {
      await connection.call('holdStill', { pid: process.pid });
    } catch {
      // It is away again, or soon will be.
      connection.destroy();
      return;
    }
    try {
      // Away by now: there is nothing to open, and the store need not wait for it.
      if (this.#connection !== connection) return;
      this.replica.open();
    } finally {
      connection.call('goOn', null).catch(() => undefined);
    }
    this.access.connected(connection);
  }

  /**
   * Cut off from a store that is there, this process could only turn away whoever asks: another takes its place.
   * @param told when what is gone was to be there: what the supervisor told since is why
   */
  #endUnlessTold(told: number): void {
    if (told !== this.#told) return;
    this.#cutOff = setTimeout(() => {
      this.#logger.fatal('the store is there, and the connection to its process is not: this process ends');
      process.exit(EXIT.failed);
    }, TOLD_MS_MAX);
  }

  /** This process is to end, and what is under way has its time: the store may end before. */
  expectEnd(): void {
    this.#hear();
  }

  #hear(): number {
    clearTimeout(this.#cutOff);
    this.#told += 1;
    return this.#told;
  }

  /** The store is away, and does not come back: nothing waits for it. */
  abandon(): void {
    this.#hear();
    this.access.abandon();
  }

  /** @param graceMs what the store has for answers that are under way there */
  async suspend(graceMs: number): Promise<void> {
    this.#hear();
    this.#suspensions += 1;
    const connection = this.#connection;
    this.#away();
    await endsWithin(graceMs, Promise.resolve(connection?.idle()));
    await this.replica.close();
  }

  #away(): void {
    this.#connection = undefined;
    this.access.away();
    this.#onAway();
  }
}
