/**
 * Backups of the store that is killed, taken while it is: and whether what is brought back of one was acknowledged, all of it, at
 * a moment at which that backup was under way.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type CommandResult, runCommand } from '../runner/command.ts';
import { BUILT_COMMANDS } from '../server/launch.ts';
import type { Ledger, LedgerEvent } from './ledger.ts';
import { clientsOf, type World } from './objects.ts';
import { Random } from './random.ts';
import { fsckFault, type SoakServer, startServer } from './server.ts';
import { Span } from './span.ts';
import { readAll, verifyUpload } from './verify.ts';

/** What is done to what was brought back, for a check that is to find it. */
export interface BackupLie {
  /** The first backup is brought back in the last one's place. */
  readonly isOld?: true;
  /** Before it is looked at. */
  readonly spoil?: (world: World) => Promise<unknown>;
}

export interface BackupOptions {
  /** Where the backups are kept, and what is brought back of them. */
  readonly folder: string;
  readonly data: string;
  readonly ledger: Ledger;
  readonly seed: string;
  /** With one backups are taken at rest only, of which all is known, and after each kill. */
  readonly lie?: BackupLie;
  readonly onFault: (fault: string) => void;
  readonly log: (line: string) => void;
}

export interface UnderLoad {
  /** Settles when it was taken, or failed. */
  readonly over: Promise<void>;
  /** All is to be killed after that: when it is over, or when it has begun. */
  readonly killFrom: Promise<void>;
}

const SHARE_UNDER_LOAD = 0.6;
/** The rest are cut short, if anything was to be copied: they read as slowly as can be. */
const SHARE_AWAITED = 0.5;
const FAST = '10G';
const SLOW = '1M';
const LOOK_MS = 20;
const BEGUN_AFTER_MS = { least: 0, most: 1_000 };
/** That many stay; the others are removed while the store is used. */
const KEPT = 3;
const COMMAND_MS = 300_000;
/** Of a command: it failed, or nobody answered it. */
const MAY_BE_CUT_SHORT = [1, 5];
const ANY_CODE = [1, 2, 3, 4, 5, 6];

export class Backups {
  readonly #options: BackupOptions;
  readonly #to: string;
  readonly #random: Random;
  #kills = 0;
  #taken = 0;
  #cutShort = 0;
  #proven = 0;
  #proofs = 0;
  /** Of the backup that is under way. */
  #span: Span | undefined;
  #first: string | undefined;
  #last: { readonly id: string; readonly span: Span } | undefined;
  /** The next one must not fail. */
  #isDue = true;

  constructor(options: BackupOptions) {
    this.#options = options;
    this.#to = join(options.folder, 'backups');
    this.#random = new Random(`${options.seed}/backups`);
  }

  /** Told of each event of the ledger. */
  heed(event: LedgerEvent): void {
    this.#span?.add(event);
  }

  /** Told before the process is killed that backups are made by. */
  killing(): void {
    this.#kills += 1;
  }

  /** Perhaps begins one. */
  underLoad(): UnderLoad | undefined {
    if (this.#options.lie !== undefined || !this.#random.chance(SHARE_UNDER_LOAD)) return undefined;
    const isAwaited = this.#random.chance(SHARE_AWAITED);
    const rate = isAwaited ? FAST : SLOW;
    const waiting = delay(this.#random.integer(BEGUN_AFTER_MS));
    // What was killed before it began may not be back when it does.
    const kills = this.#kills;
    const over = waiting.then(() => this.#take({ rate, kills }));
    const killFrom = isAwaited ? over : this.#begun(over);
    // What is thrown is met by who waits for it in the end.
    for (const each of [over, killFrom]) each.catch(() => undefined);
    return { over, killFrom };
  }

  /** Resolves when something is written where backups are kept, or that is over. */
  async #begun(over: Promise<void>): Promise<void> {
    let isOver = false;
    const ended = (): void => {
      isOver = true;
    };
    over.then(ended, ended);
    const before = this.#names();
    while (!isOver && this.#names() === before) await delay(LOOK_MS);
  }

  #names(): string {
    try {
      return readdirSync(this.#to, { recursive: true, encoding: 'utf8' }).sort().join('\n');
    } catch {
      // It is not there yet, or changes at this moment.
      return '';
    }
  }

  /** While nobody changes anything: if none is there yet, or the one before was cut short. */
  async atRest(): Promise<void> {
    if (this.#isDue || this.#options.lie !== undefined) await this.#take({ rate: FAST, kills: this.#kills });
  }

  /** @param kills how many there had been when the store was known to be there */
  async #take({ rate, kills }: { readonly rate: string; readonly kills: number }): Promise<void> {
    const span = new Span(this.#options.ledger);
    this.#span = span;
    const words = ['--data', this.#options.data, '--to', this.#to, '--keep', String(KEPT), '--rate', rate];
    const result = await facet('backup', words);
    this.#span = undefined;
    this.#isDue = result.code !== 0;
    if (result.code === 0) {
      this.#taken += 1;
      const id = idIn(result);
      this.#first ??= id;
      this.#last = { id, span };
    } else if (kills !== this.#kills && MAY_BE_CUT_SHORT.includes(result.code)) {
      this.#cutShort += 1;
    } else this.#options.onFault(`a backup of a store that was not killed: ${endOf(result)}`);
  }

  /** Brings the last one back, and looks at all that is in it. */
  async prove(): Promise<void> {
    const { folder, lie, onFault, log } = this.#options;
    if (this.#last === undefined || this.#first === undefined) return onFault('no backup was taken');
    const { id, span } = this.#last;
    let faults = 0;
    const tell = (fault: string): void => {
      faults += 1;
      onFault(`backup ${id}: ${fault}`);
    };
    this.#proofs += 1;
    const data = join(folder, `restored-${this.#proofs}`);
    const restored = lie?.isOld ? this.#first : id;
    const result = await facet('restore', ['--from', this.#to, '--backup', restored, '--data', data]);
    if (result.code !== 0) return tell(endOf(result));
    const damage = await fsckFault(data);
    if (damage !== undefined) tell(damage);
    const logFile = join(folder, 'restored.log');
    const server = await startServer({ data, logFile, workers: 0, onError: tell });
    if (!server) throw new Error('the server was killed by somebody else');
    const objects = await this.#compare(server, span, tell).catch(async (error: unknown) => {
      await server.kill();
      throw error;
    });
    const how = await server.stop();
    if (how !== '0') tell(`its server ended with ${how} when it was asked to stop`);
    if (faults > 0) return;
    this.#proven += 1;
    log(`  backup ${id} brought back: ${objects} objects`);
    rmSync(data, { recursive: true });
  }

  async #compare(server: SoakServer, span: Span, tell: (fault: string) => void): Promise<number> {
    using clients = clientsOf(server);
    const world = { ...clients, ledger: span.ledger(), onFault: tell };
    await this.#options.lie?.spoil?.(world);
    const { found, objects } = await readAll(world, tell);
    for (const fault of span.faults(found)) tell(fault);
    for (const upload of span.uploads()) await verifyUpload(world, upload, tell);
    return objects;
  }

  line(): string {
    const counts = `${this.#taken} taken, ${this.#cutShort} cut short by kills, ${this.#proven} brought back and proven`;
    return `  backups: ${counts}`;
  }
}

function facet(command: string, words: readonly string[]): Promise<CommandResult> {
  const [program, ...before] = BUILT_COMMANDS.facet;
  return runCommand(program, [...before, command, ...words, '--json'], {
    timeoutMs: COMMAND_MS,
    allowed: ANY_CODE,
  });
}

function endOf({ code, stdout, stderr }: CommandResult): string {
  return `exit code ${code}: ${`${stdout}${stderr}`.trim().slice(-TOLD_CHARACTERS_MAX)}`;
}

const TOLD_CHARACTERS_MAX = 2_000;

function idIn({ stdout }: CommandResult): string {
  const id: unknown = Object(JSON.parse(stdout)).id;
  if (typeof id !== 'string') throw new Error(`a backup without an id: ${stdout}`);
  return id;
}
