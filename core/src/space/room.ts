/**
 * Room on the disk: whether there is any, and what still works when there is none.
 *
 *   roomy ──(engine or extents are out of room)──▶ full: the reserve is released
 *   full ──(the reserve could be taken again, with as much to spare)──▶ roomy
 *
 * While the disk is full whatever would take room is refused at once, so that the reserve is there for what gives
 * room back: that takes a little first, since nothing is ever changed in place.
 */

import type { Engine } from '@facet/engine';
import { ExtentError, type ExtentStore, type ExtentWriter, forwarded } from '@facet/extents';
import { systemTimer, type Timer } from './timer.ts';

/** Room held back on the metadata's device. */
export interface Reserve {
  readonly lengthBytes: number;
  /** Gives it to whoever needs it. Nothing to give is no error. */
  release(): Promise<unknown>;
  /** Takes it again, or finds it held. False where there is too little room, the same again to spare included. */
  restore(): Promise<boolean>;
}

/** For a store whose disk is somebody else's care: what is refused for want of room is refused for a moment. */
const NO_RESERVE: Reserve = { lengthBytes: 0, release: async () => undefined, restore: async () => true };

/** Others make room, too: a file removed beside the store tells nobody. */
const LOOK_MS = 1000;

export interface RoomParts {
  readonly engine: Pick<Engine, 'spareBytes'>;
  readonly reserve?: Reserve;
  readonly timer?: Timer;
  /** Told of each change between full and roomy. */
  readonly onChange?: (state: { readonly full: boolean }) => void;
  readonly onFault?: (fault: { readonly doing: string; readonly error: unknown }) => void;
}

export class Room {
  readonly #parts: RoomParts;
  readonly #reserve: Reserve;
  readonly #timer: Timer;
  #full = false;
  #fillings = 0;
  #stopped = false;
  /** Writes on their way to the device. */
  #underWay = 0;
  #allOver: PromiseWithResolvers<void> | undefined;
  /** Until the reserve is released. */
  #releasing: Promise<void> | undefined;
  #looking: Promise<void> | undefined;
  #nextLook: { cancel(): void } | undefined;
  #toldOf = '';

  constructor(parts: RoomParts) {
    this.#parts = parts;
    this.#reserve = parts.reserve ?? NO_RESERVE;
    this.#timer = parts.timer ?? systemTimer;
  }

  get full(): boolean {
    return this.#full;
  }

  /** How often it has become full: each time the reserve is released once. */
  get fillings(): number {
    return this.#fillings;
  }

  /** Takes the reserve; where there is no room for it the disk is full from the start. */
  async start(): Promise<void> {
    try {
      if (!(await this.#reserve.restore())) this.met();
    } catch (error) {
      // The store works without, until its disk is full.
      this.#fault('take the reserve', error);
    }
  }

  /** Ends the background work. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#nextLook?.cancel();
    await this.#releasing;
    await this.#looking;
  }

  /** A write is on its way to the device: said before and after. */
  begin(): void {
    this.#underWay += 1;
  }

  end(): void {
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#allOver?.resolve();
  }

  /** Says that the device was out of room. */
  met(): void {
    if (this.#full || this.#stopped) return;
    this.#full = true;
    this.#fillings += 1;
    this.#parts.onChange?.({ full: true });
    this.#releasing = this.#release();
    this.#lookLater();
  }

  /** Resolves when the reserve is there for what gives room back. At once when it is not being released. */
  async ready(): Promise<void> {
    await this.#releasing;
  }

  /**
   * Whether metadata may grow though the disk is full: within its own file, as long as what is free there stands in
   * for the reserve. It never shrinks: where metadata alone filled the disk, this is all the room that deleting makes.
   */
  async mayGrow(): Promise<boolean> {
    // Nothing that could wait is to begin while the release waits for what is under way.
    if (this.#releasing || this.#reserve.lengthBytes === 0) return false;
    return (await this.#parts.engine.spareBytes()) >= 2 * this.#reserve.lengthBytes;
  }

  /** Looks whether there is room again. Cheap: called whenever some was given back. */
  look(): void {
    if (!this.#full || this.#stopped) return;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
  }

  async #look(): Promise<void> {
    await this.#releasing;
    try {
      if (!(await this.#reserve.restore())) return;
    } catch (error) {
      this.#fault('take the reserve again', error);
      return;
    }
    this.#full = false;
    this.#toldOf = '';
    this.#nextLook?.cancel();
    this.#parts.onChange?.({ full: false });
  }

  #lookLater(): void {
    this.#nextLook = this.#timer.after(LOOK_MS, () => {
      if (!this.#full || this.#stopped) return;
      this.#lookLater();
      this.look();
    });
  }

  /**
   * Only when every write under way is over: what fails as an I/O error is judged by the room there is, and must not
   * find the reserve's.
   */
  async #release(): Promise<void> {
    if (this.#underWay > 0) {
      this.#allOver = Promise.withResolvers<void>();
      await this.#allOver.promise;
      this.#allOver = undefined;
    }
    try {
      await this.#reserve.release();
    } catch (error) {
      this.#fault('release the reserve', error);
    }
    this.#releasing = undefined;
  }

  /** Told once, not every second. */
  #fault(doing: string, error: unknown): void {
    const told = `${doing}: ${error}`;
    if (told === this.#toldOf) return;
    this.#toldOf = told;
    this.#parts.onFault?.({ doing, error });
  }

  /** The same store, which takes no bytes while the disk is full, and says when it is out of room. */
  guard(extents: ExtentStore): ExtentStore {
    return {
      ...forwarded(extents),
      append: (extent) => this.#take(() => extents.append(extent)),
      create: (owner) => this.#guardWriter(extents.create(owner)),
      punch: (run) => this.#giveBack(() => extents.punch(run)),
      unlink: (container) => this.#giveBack(() => extents.unlink(container)),
    };
  }

  #guardWriter(writer: ExtentWriter): ExtentWriter {
    return {
      write: (chunk, onRelease) => this.#take(() => writer.write(chunk, onRelease)),
      finish: () => this.#take(() => writer.finish()),
      abort: () => writer.abort(),
    };
  }

  async #take<T>(write: () => Promise<T>): Promise<T> {
    if (this.#full) throw new ExtentError('Full', 'the disk is full: delete something, or make room on it');
    this.begin();
    try {
      return await write();
    } catch (error) {
      if (isFull(error)) this.met();
      throw error;
    } finally {
      this.end();
    }
  }

  async #giveBack<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isFull(error)) throw error;
      this.met();
      await this.ready();
      return await work();
    }
  }
}

function isFull(error: unknown): boolean {
  return error instanceof ExtentError && error.code === 'Full';
}
