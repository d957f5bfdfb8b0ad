/** kill -9 under load: what the process had told the kernel survives, what it kept to itself does not. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type BackupLie, Backups } from './backups.ts';
import { allocatedBytes } from './diskUse.ts';
import { Figures } from './figures.ts';
import type { GoBetween } from './goBetween.ts';
import { Ledger } from './ledger.ts';
import { ensureBucket, resumeUploads, runLoad } from './load.ts';
import { clientsOf, type World } from './objects.ts';
import { Random } from './random.ts';
import { fsckFault, type SoakServer, startServer } from './server.ts';
import { type Verified, verify } from './verify.ts';

export interface KillOptions {
  readonly kills: number;
  /** Processes that serve S3. With some, single ones are killed, too, and the rest must go on. */
  readonly workers: number;
  readonly clients: number;
  readonly keysEach: number;
  readonly seed: string;
  /** Where the data directory is made: the file system under test. Default the system's place for such. */
  readonly parent?: string;
  /** Clients go through it while there is load, and it says when to kill: for a soak that is to find what it does. */
  readonly goBetween?: (server: SoakServer) => Promise<GoBetween>;
  /** Backups are taken meanwhile, and brought back. */
  readonly backups?: { readonly lie?: BackupLie };
  readonly log: (line: string) => void;
}

export interface Outcome {
  readonly faults: readonly string[];
  readonly figures: Figures;
}

const LOAD_MS = { least: 200, most: 2_500 };
/** Processes that are killed by themselves before all are. */
const SINGLES = { least: 0, most: 4 };
/** That share of times, no single one is killed then, but all are replaced: what is killed next may be a new one or an old one. */
const REPLACED = 0.3;
/** That share of these, nothing is killed before it is over. */
const WAITED_FOR = 0.5;
/** That share of restarts is killed too, while it recovers. */
const KILLED_AT_START = 0.2;
const START_MS = { least: 50, most: 1_500 };
/** Of the processes of a server the one that backs up. */
const STORE = 'facet store';
/** fsck reads everything, so not after each. */
const ROUNDS_PER_FSCK = 5;

/** What was acknowledged is in memory; the data stay on one disk, from kill to kill. */
export async function soakKills(options: KillOptions): Promise<Outcome> {
  const folder = mkdtempSync(join(options.parent ?? tmpdir(), 'facet-soak-'));
  const run = new KillRun(options, folder);
  await run.all().catch((error: unknown) => run.fault(String(error)));
  // Nobody looks for the cause of a loss that was made on purpose.
  const isOnPurpose = options.goBetween !== undefined || options.backups?.lie !== undefined;
  if (run.faults.length === 0 || isOnPurpose) rmSync(folder, { recursive: true, force: true });
  else options.log(`  the data and server.log stay in ${folder}`);
  return { faults: run.faults, figures: run.figures };
}

class KillRun {
  readonly faults: string[] = [];
  readonly figures = new Figures();
  readonly #options: KillOptions;
  readonly #data: string;
  readonly #logFile: string;
  readonly #random: Random;
  readonly #ledger = new Ledger((event) => this.#backups?.heed(event));
  readonly #backups: Backups | undefined;
  #killedAtStart = 0;
  readonly #replaced = { begun: 0, over: 0 };
  readonly #killedAlone = new Map<string, number>();
  #server: SoakServer | undefined;

  constructor(options: KillOptions, folder: string) {
    this.#options = options;
    this.#data = join(folder, 'data');
    this.#logFile = join(folder, 'server.log');
    const { seed, backups, log } = options;
    this.#random = new Random(`${seed}/kills`);
    if (backups === undefined) return;
    const onFault = (fault: string): void => this.fault(fault);
    const of = { folder, data: this.#data, ledger: this.#ledger };
    this.#backups = new Backups({ ...of, ...backups, seed, onFault, log });
  }

  async all(): Promise<void> {
    const { kills, log } = this.#options;
    try {
      for (let round = 1; round <= kills && this.faults.length === 0; round += 1) {
        await this.#load(await this.#start(), String(round));
        const server = await this.#start();
        const { objects, keys, unknown } = await this.#verify(server);
        const ready = `ready in ${Math.round(server.readyMs)} ms`;
        log(`  kill ${round}: ${objects} objects under ${keys} keys, ${unknown} were unknown, ${ready}`);
        // What more there is to find would only be told of a store that is known to be damaged.
        if (this.faults.length > 0) break;
        await this.#backups?.atRest();
        if (round === Math.floor(kills / 2)) await this.#backups?.prove();
        if (round === kills) await this.#settle(server);
        if (round === kills || round % ROUNDS_PER_FSCK === 0) await this.#rest(server);
        if (round === kills) await this.#backups?.prove();
      }
    } finally {
      await this.#server?.kill();
    }
    const { begun, over } = this.#replaced;
    log(`  killed ${this.#killedAtStart} times more before it served`);
    for (const [name, count] of [...this.#killedAlone].sort()) log(`  killed ${name} alone ${count} times`);
    if (this.#options.workers > 0) log(`  replaced all processes ${begun} times, ${over} of them waited for`);
    if (this.#backups) log(this.#backups.line());
    log(
      `  objects of ${mebibytes(this.#ledger.lengthBytes())} take ${mebibytes(allocatedBytes(this.#data))}`,
    );
  }

  fault(fault: string): void {
    this.faults.push(fault);
    this.#options.log(`  FAULT ${fault}`);
  }

  /** The server that runs, else a new one. */
  async #start(): Promise<SoakServer> {
    if (this.#server) return this.#server;
    const common = {
      data: this.#data,
      workers: this.#options.workers,
      logFile: this.#logFile,
      onError: (line: string) => this.fault(line),
    };
    while (this.#random.chance(KILLED_AT_START)) {
      const early = await startServer({ ...common, killedAfterMs: this.#random.integer(START_MS) });
      this.#killedAtStart += 1;
      await early?.kill();
    }
    const server = await startServer(common);
    if (!server) throw new Error('the server was killed by somebody else');
    this.figures.addRestart(server.readyMs);
    this.#server = server;
    return server;
  }

  #world(server: Parameters<typeof clientsOf>[0]): World & Disposable {
    return { ...clientsOf(server), ledger: this.#ledger, onFault: (fault) => this.fault(fault) };
  }

  async #load(server: SoakServer, round: string): Promise<void> {
    await using goBetween = await this.#options.goBetween?.(server);
    const { endpoint, nfsEndpoint } = goBetween ?? server;
    using world = this.#world({ ...server, endpoint, nfsEndpoint });
    await ensureBucket(world);
    await resumeUploads(world, { round });
    this.#ledger.acknowledged.clear();
    const end = new AbortController();
    const { clients, keysEach } = this.#options;
    const random = this.#random.fork(round);
    let isThere = true;
    void server.ended.then(() => {
      isThere = false;
    });
    const load = runLoad({
      ...world,
      round,
      clients,
      keysEach,
      random,
      until: end.signal,
      isThere: () => isThere,
    });
    // What it throws meanwhile is met below.
    load.catch(() => undefined);
    const backup = this.#backups?.underLoad();
    if (this.#options.workers > 0) await this.#disturb(server, () => isThere);
    if (backup) await Promise.race([backup.killFrom, server.ended]);
    const kill = (): void => {
      end.abort();
      this.#backups?.killing();
      void server.kill();
    };
    const timer = goBetween ? undefined : setTimeout(kill, this.#random.integer(LOAD_MS));
    void goBetween?.killNow.then(kill);
    try {
      // Clients that end before the kill have lost a server that should have been there.
      await Promise.race([load, server.ended]);
    } finally {
      clearTimeout(timer);
    }
    if (!end.signal.aborted) this.fault('the server ended under load, before it was killed');
    await server.kill();
    this.#server = undefined;
    await load;
    // Where no server answers, it has the store itself.
    await backup?.over;
    this.figures.addRound(this.#ledger.acknowledged);
    this.figures.addUnknown(this.#ledger.open());
  }

  /** Kills single processes, and has all replaced: the rest must go on. */
  async #disturb(server: SoakServer, isThere: () => boolean): Promise<void> {
    const singles = this.#random.integer(SINGLES);
    for (let count = 0; count < singles && isThere(); count += 1) {
      await delay(this.#random.integer(LOAD_MS));
      if (this.#random.chance(REPLACED)) {
        await this.#replaceAll(server);
        continue;
      }
      const name = server.killOne((names) => this.#random.shuffled(names)[0]);
      if (name === STORE) this.#backups?.killing();
      if (name !== undefined) this.#killedAlone.set(name, (this.#killedAlone.get(name) ?? 0) + 1);
    }
  }

  async #replaceAll(server: SoakServer): Promise<void> {
    this.#replaced.begun += 1;
    // A backup under way is ended by it.
    this.#backups?.killing();
    const over = server.replaceAll();
    if (!this.#random.chance(WAITED_FOR)) return;
    await over;
    this.#replaced.over += 1;
  }

  async #verify(server: SoakServer): Promise<Verified> {
    using world = this.#world(server);
    return await verify(world);
  }

  /** Stops the server as its users do, and proves what it left. */
  async #rest(server: SoakServer): Promise<void> {
    const how = await server.stop();
    this.#server = undefined;
    if (how !== '0') this.fault(`the server ended with ${how} when it was asked to stop`);
    const fault = await fsckFault(this.#data);
    if (fault !== undefined) this.fault(fault);
  }

  /** Brings to an end what the last kill cut short. */
  async #settle(server: SoakServer): Promise<void> {
    using world = this.#world(server);
    await resumeUploads(world, { round: 'end' });
    await verify(world);
  }
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
