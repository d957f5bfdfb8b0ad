import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Journal } from '@facet/journal';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type Engine, openLmdbEngine } from '../src/index.ts';
import { openJournaledHere } from './journaledHere.ts';
import { contents, folderDisk } from './journalRig.ts';
import { bytes, get } from './shorthand.ts';

const script = fileURLToPath(new URL('processes/killedWriter.ts', import.meta.url));
const SECTOR_BYTES = 512;
const KEYS = 400;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-journal-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Chance from a seed. */
function chance(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/**
 * A store whose power can be cut: what LMDB wrote since the last checkpoint is on disk, or not, or in part, sector by
 * sector; of the journal everything that was acknowledged.
 */
class Plug {
  readonly #random: (below: number) => number;
  readonly #path: string;
  checkpoints = 0;

  constructor(path: string, random: (below: number) => number) {
    this.#path = path;
    this.#random = random;
  }

  async open(): Promise<Engine> {
    await mkdir(this.#path, { recursive: true });
    const journal = await Journal.open({ disk: folderDisk(this.#path) });
    // LMDB's file is synced after this, and before the base of this moment counts.
    journal.attach(async () => copyFileSync(this.#data, `${this.#path}.syncing`));
    const complete = journal.complete.bind(journal);
    journal.complete = (base) => {
      this.checkpoints += 1;
      copyFileSync(`${this.#path}.syncing`, `${this.#path}.synced`);
      return complete(base);
    };
    const replay = async () => undefined;
    const engine = await openLmdbEngine({
      path: this.#path,
      journal: { journal, replay, growthBytesMax: 400_000 },
    });
    onTestFinished(() => engine.close());
    return engine;
  }

  /** What is on disk now, in another place: this process can not let go of the files. */
  cut(target: string): void {
    const now = readFileSync(this.#data);
    const image = Buffer.alloc(now.length);
    readFileSync(`${this.#path}.synced`).copy(image);
    for (let at = 0; at < now.length; at += SECTOR_BYTES) {
      // Mostly neighbours together, as the kernel writes them.
      const length = SECTOR_BYTES * (1 + this.#random(32));
      if (this.#random(2) === 0) now.copy(image, at, at, Math.min(now.length, at + length));
      at += length - SECTOR_BYTES;
    }
    const kept =
      this.#random(4) === 0 ? Math.max(readFileSync(`${this.#path}.synced`).length, 8192) : image.length;
    writeFileSync(join(target, 'data.mdb'), image.subarray(0, kept));
    for (const name of ['0.journal', '1.journal']) copyFileSync(join(this.#path, name), join(target, name));
  }

  get #data(): string {
    return join(this.#path, 'data.mdb');
  }
}

describe('a store with a journal', () => {
  it('has after a power cut what was acknowledged, whatever LMDB had written of it', async () => {
    const seed = Number(process.env['FACET_SEED'] ?? randomInt(2 ** 31));
    const random = chance(seed);
    let path = join(folder, 'store');
    let checkpoints = 0;
    const model: Record<string, string> = {};
    for (let life = 0; life < 12; life++) {
      const plug = new Plug(path, random);
      const engine = await plug.open();
      expect(await contents(engine), `seed ${seed}, life ${life}`).toEqual(model);
      for (let step = random(60); step >= 0; step--) {
        const changes = Array.from({ length: 1 + random(12) }, () => ({
          key: `key ${random(KEYS)}`,
          length: random(8) === 0 ? 3000 + random(9000) : random(300),
          fill: random(256),
          deletes: random(3) === 0,
        }));
        await Promise.all(
          changes.map(({ key, length, fill, deletes }) =>
            engine.write(function* (tx) {
              if (deletes) tx.delete(bytes(key));
              else tx.put(bytes(key), Buffer.alloc(length + 1, fill));
              return yield* tx.get(bytes(key));
            }),
          ),
        );
        for (const { key, length, fill, deletes } of changes) {
          if (deletes) delete model[key];
          else model[key] = `${length + 1} ${fill}`;
        }
      }
      const next = join(folder, `life-${life}`);
      await cp(path, next, { recursive: true, filter: (source) => !source.endsWith('.mdb') });
      plug.cut(next);
      checkpoints += plug.checkpoints;
      await engine.close();
      path = next;
    }
    expect(checkpoints, `seed ${seed}`).toBeGreaterThan(5);
  });

  it('keeps every acknowledged write when its process is killed, time and again', async () => {
    const acknowledged = new Set<string>();
    for (let life = 0; life < 8; life++) {
      const writer = spawn(process.execPath, [script, folder, `w${life}`, 'journal'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ended = once(writer, 'close');
      let lines = 0;
      for await (const line of createInterface({ input: writer.stdout })) {
        acknowledged.add(`w${life}/${line}`);
        if (++lines === 100 * (life + 1)) writer.kill('SIGKILL');
      }
      await ended;
      const engine = await openJournaledHere({ path: folder });
      const found = await contents(engine);
      expect([...acknowledged].filter((key) => found[key] === undefined)).toEqual([]);
      expect(Buffer.from((await get(engine, bytes('count'))) ?? []).toString()).toBe(
        String(Object.keys(found).length - 1),
      );
      await engine.close();
    }
  });
});
