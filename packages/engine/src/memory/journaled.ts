import { type Journal, RECORD, type ReadRecord } from '@facet/journal';
import { decodeBatch, encodeBatch } from '../batchRecord.ts';
import { EngineError } from '../contract.ts';
import { MemoryEngine, type MemoryEngineOptions } from './engine.ts';
import { MemoryState } from './state.ts';

/** States that are on stable storage whatever happens: what LMDB's file is to the journal beside it. */
export class MemoryBases {
  readonly #states: MemoryState[] = [MemoryState.EMPTY];
  #epochs: readonly Uint8Array[] = [];

  /** @returns what names the state */
  add(state: MemoryState): Buffer {
    const base = Buffer.alloc(4);
    base.writeUInt32BE(this.#states.push(state) - 1);
    return base;
  }

  get(base: Uint8Array | undefined): MemoryState {
    const state = this.#states[base === undefined ? 0 : Buffer.from(base).readUInt32BE()];
    if (state === undefined) throw new Error('there is no such base');
    return state;
  }

  /** Of no other will a journal be taken. */
  keepEpochs({ epochs }: Pick<Journal, 'epochs'>): void {
    this.#epochs = epochs;
  }

  /** @throws EngineError Damaged */
  refuseOther({ epochs, hasBegun }: Pick<Journal, 'epochs' | 'hasBegun'>): void {
    const own = Buffer.concat(epochs);
    const isOwn = (at: number): boolean =>
      Buffer.concat(this.#epochs.slice(at, at + epochs.length)).equals(own);
    if (!hasBegun || isOwn(0) || isOwn(1)) return;
    throw new EngineError('Damaged', 'the journal is not that of these bases');
  }
}

export interface JournaledMemoryOptions extends Omit<MemoryEngineOptions, 'state' | 'keep'> {
  readonly journal: Journal;
  /** Outlive the engine, as its journal does. */
  readonly bases: MemoryBases;
  /** Told of what the journal has to replay that is not the engine's, in order. */
  readonly replay: (record: ReadRecord) => Promise<void>;
  /** A new base is begun after so many commits. */
  readonly commitsPerBase: number;
}

/** A memory engine that forgets everything in a crash but what its journal holds. */
export async function openJournaledMemoryEngine(options: JournaledMemoryOptions): Promise<MemoryEngine> {
  const { journal, bases, replay, commitsPerBase, ...rest } = options;
  bases.refuseOther(journal);
  let state = bases.get(journal.base);
  for await (const record of journal.replay()) {
    if (record.kind === RECORD.batch) state = state.after(ofBatch(record.payload));
    else await replay(record);
  }
  await journal.begin();
  bases.keepEpochs(journal);
  await journal.settleOthers();
  await journal.complete(bases.add(state));
  let commits = 0;
  let completing: Promise<void> | undefined;
  let failure: { readonly cause: unknown } | undefined;
  const complete = async (base: Uint8Array): Promise<void> => {
    bases.keepEpochs(journal);
    await journal.settleOthers();
    await journal.complete(base);
    bases.keepEpochs(journal);
    completing = undefined;
  };
  const engine = new MemoryEngine({
    ...rest,
    state,
    keep: async (writes) => {
      if (commits >= commitsPerBase && completing === undefined) {
        commits = 0;
        const base = bases.add(engine.snapshot());
        await journal.rotate();
        completing = complete(base).catch((cause: unknown) => {
          failure = { cause };
        });
      }
      if (failure !== undefined) throw failure.cause;
      commits += 1;
      await journal.commit({ kind: RECORD.batch, payload: [encodeBatch(writes)] });
    },
  });
  return engine;
}

function ofBatch(payload: Buffer): Parameters<MemoryState['after']>[0] {
  const writes = decodeBatch(payload);
  return { keys: writes.map(({ key }) => key), values: writes.map(({ value }) => value) };
}
