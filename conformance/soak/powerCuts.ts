/**
 * Real power cuts: server and clients run in a guest, and its page cache dies with it. Only what was synced is there
 * when it boots again, which kill -9 never shows.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Figures } from './figures.ts';
import { CUT_LINE, type CutPlan, eventOf, type GuestEvent, type GuestPlan } from './guestPlan.ts';
import { Ledger } from './ledger.ts';
import { Random } from './random.ts';
import { CannotTry } from './unsynced.ts';

const GUEST = fileURLToPath(new URL('guest.ts', import.meta.url));
const DISK_SIZE = '8G';
const BOOT_SECONDS_MAX = 300;
/** A guest has one processor, and is slow. */
const CLIENTS = 4;
const KEYS_EACH = 10;
/** The least makes every size class be acknowledged several times, see `TASKS`. */
const CHANGES = { least: 90, most: 200 };
/** Most cuts come with an acknowledgement, the rest at any moment. */
const SHARE_LATER = 0.3;
const LATER_MS = { least: 1, most: 2_000 };
const START_MS = { least: 500, most: 12_000 };
/** One loss has many symptoms. */
const FAULTS_TOLD_MAX = 10;
/** Every so many rounds the power is cut once more, while the server recovers from the cut before. */
const ROUNDS_PER_EARLY_CUT = 5;

export interface CutOptions {
  readonly cuts: number;
  readonly workers: number;
  readonly seed: string;
  /** Of the server under load; the folder is one that the guest sees. */
  readonly environment?: (folder: string) => Readonly<Record<string, string>>;
  readonly log: (line: string) => void;
}

export interface CutOutcome {
  /** By checks after a cut. With the first of them it ends. */
  readonly faults: readonly string[];
  /** While nothing had been cut yet. */
  readonly faultsUnderLoad: readonly string[];
  readonly cuts: number;
  readonly figures: Figures;
}

/** The program that runs a command in a guest and cuts its power. @throws CannotTry */
export function powerCutProgram(): string {
  const program = process.env['FACET_POWER_CUT'];
  if (program === undefined || program === '') {
    throw new CannotTry('FACET_POWER_CUT names no program that runs a command in a guest and cuts its power');
  }
  return program;
}

export async function soakPowerCuts(options: CutOptions): Promise<CutOutcome> {
  const program = powerCutProgram();
  const folder = mkdtempSync(join(tmpdir(), 'facet-soak-cuts-'));
  const run = new CutRun({ ...options, program, folder });
  let isClean = false;
  try {
    await run.all();
    isClean = run.isGood;
  } finally {
    // Nobody looks for the cause of a loss that was made on purpose.
    if (isClean || options.environment) rmSync(folder, { recursive: true, force: true });
    else options.log(`  disk.img and server.log stay in ${folder}`);
  }
  return run;
}

class CutRun implements CutOutcome {
  readonly faults: string[] = [];
  readonly faultsUnderLoad: string[] = [];
  cuts = 0;
  readonly figures = new Figures();
  readonly #options: CutOptions & { readonly program: string; readonly folder: string };
  readonly #ledger = new Ledger();
  readonly #disk: string;
  readonly #random: Random;
  readonly #environment: Readonly<Record<string, string>>;

  constructor(options: CutOptions & { readonly program: string; readonly folder: string }) {
    this.#options = options;
    this.#disk = join(options.folder, 'disk.img');
    this.#random = new Random(`${options.seed}/cuts`);
    this.#environment = options.environment?.(options.folder) ?? {};
  }

  async all(): Promise<void> {
    const { program, cuts } = this.#options;
    const made = spawnSync(program, ['make', this.#disk, DISK_SIZE], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`${program} makes no disk: ${made.stderr}`);
    for (let round = 1; round <= cuts && this.isGood; round += 1) {
      if (round % ROUNDS_PER_EARLY_CUT === 0) {
        const afterMs = this.#random.integer(START_MS);
        await this.#boot(`${round}a`, { kind: 'start', afterMs });
      }
      const changes = this.#random.integer(CHANGES);
      const laterMs = this.#random.chance(SHARE_LATER) ? this.#random.integer(LATER_MS) : 0;
      await this.#boot(String(round), { kind: 'load', changes, laterMs });
    }
    if (this.isGood) await this.#boot('end', { kind: 'none' });
  }

  get isGood(): boolean {
    return this.faults.length + this.faultsUnderLoad.length === 0;
  }

  async #boot(round: string, cut: CutPlan): Promise<void> {
    const { program, folder, seed } = this.#options;
    const planFile = join(folder, 'plan.json');
    const plan: GuestPlan = {
      data: '/disk/data',
      workers: this.#options.workers,
      logFile: join(folder, 'server.log'),
      seed,
      round,
      clients: CLIENTS,
      keysEach: KEYS_EACH,
      ledger: this.#ledger.events(),
      cut,
      environment: this.#environment,
    };
    writeFileSync(planFile, JSON.stringify(plan));
    this.#ledger.acknowledged.clear();
    const words = ['run', '--disk', this.#disk, '--share', folder, '--timeout', String(BOOT_SECONDS_MAX)];
    if (cut.kind !== 'none') words.push('--cut-on', CUT_LINE);
    const command = `exec '${process.execPath}' '${GUEST}' '${planFile}'`;
    const child = spawn(program, [...words, '--', command], { stdio: ['ignore', 'pipe', 'pipe'] });
    const other: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => other.push(chunk.toString()));
    const progress: Progress = { loading: false, cut: false, notes: [] };
    const lines = createInterface({ input: child.stdout }).on('line', (line) => {
      const event = eventOf(line);
      if (event) this.#take(event, progress);
      else if (line.includes(CUT_LINE)) {
        progress.cut = true;
        progress.notes.push(progress.loading ? 'cut under load' : 'cut while recovering');
      } else other.push(`${line}\n`);
    });
    const [[code]] = await Promise.all([once(child, 'close'), once(lines, 'close')]);
    if (code !== 0) throw new Error(`${program} ended with ${code}: ${other.join('')}`);
    if (cut.kind !== 'none' && !progress.cut && this.isGood) {
      throw new Error(`round ${round} ended before the power was cut: ${other.join('')}`);
    }
    if (progress.cut) this.cuts += 1;
    if (progress.loading) {
      this.figures.addRound(this.#ledger.acknowledged);
      this.figures.addUnknown(this.#ledger.open());
    }
    this.#options.log(`  boot ${round}: ${progress.notes.join(', ')}`);
  }

  #take(event: GuestEvent, progress: Progress): void {
    const { notes } = progress;
    switch (event.t) {
      case 'ready':
        notes.push(`ready in ${Math.round(event.ms)} ms`);
        this.figures.addRestart(event.ms);
        break;
      case 'verified':
        notes.push(`${event.objects} objects under ${event.keys} keys, ${event.unknown} were unknown`);
        break;
      case 'clean':
        notes.push('fsck clean');
        break;
      case 'loading':
        progress.loading = true;
        this.#ledger.acknowledged.clear();
        break;
      case 'fault': {
        const faults = event.during === 'check' ? this.faults : this.faultsUnderLoad;
        faults.push(event.fault);
        if (faults.length <= FAULTS_TOLD_MAX) this.#options.log(`  FAULT (${event.during}) ${event.fault}`);
        break;
      }
      default:
        this.#ledger.replay(event);
    }
  }
}

interface Progress {
  loading: boolean;
  cut: boolean;
  readonly notes: string[];
}
