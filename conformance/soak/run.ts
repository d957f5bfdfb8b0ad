/**
 * `npm run soak`: whether what was acknowledged survives kill -9 and power cuts, real ones and simulated ones.
 *
 *   --worlds N      so many simulated worlds, each kind of them in its share (default 4000: an hour on two cores)
 *   --minutes N     no more of them are begun after so long (default: however long they take)
 *   --kills N       kill -9 under load, by S3 and NFS at once, so many times (default 200: half an hour and more). Backups are
 *                   taken meanwhile; in the middle and at the end one is brought back, and compared with what was
 *                   acknowledged when it was taken
 *   --cuts N        cut the power of a guest under such load so many times (default 50: an hour and more)
 *   --workers N     processes that serve S3 (default 2); single ones are killed, too, and all of them replaced (SIGHUP) while
 *                   there is load. 0: one process serves everything
 *   --clients N     at once, for the kills (default 8)
 *   --data DIR      where the store of the kills is made: the file system to try
 *   --seed TEXT     what to do next is drawn from it; when the end comes is not
 *   --show-power    only this: cut the power of servers that leave a sync out, and see the loss found
 *
 * FACET_POWER_CUT names the program that runs a command in a guest and cuts its power: `PROGRAM make DISK SIZE`, and
 * `PROGRAM run --disk DISK --share DIR --timeout SECONDS [--cut-on TEXT] -- COMMAND` with the disk at /disk and the
 * host's files readable. Without it nothing is cut, and the last line says so, as it does of worlds for which there was no time.
 *
 * Exit code: 0 when nothing was lost (with --show-power: when each loss was found), 1 otherwise, 2 when
 * --show-power cannot be tried here, or an option is no number.
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { conclusionOf } from './conclusion.ts';
import { soakKills } from './kills.ts';
import { powerCutProgram, soakPowerCuts } from './powerCuts.ts';
import { buildUnsynced, CannotTry, unsyncedEnvironment } from './unsynced.ts';
import { soakWorlds } from './worlds.ts';

const { values } = parseArgs({
  options: {
    worlds: { type: 'string', default: '4000' },
    minutes: { type: 'string' },
    kills: { type: 'string', default: '200' },
    cuts: { type: 'string', default: '50' },
    workers: { type: 'string', default: '2' },
    clients: { type: 'string', default: '8' },
    data: { type: 'string' },
    seed: { type: 'string', default: randomBytes(4).toString('hex') },
    'show-power': { type: 'boolean', default: false },
  },
});
const { seed } = values;
const worlds = numberOf('worlds');
const minutes = values.minutes === undefined ? Number.POSITIVE_INFINITY : numberOf('minutes');
const [kills, cuts] = [numberOf('kills'), numberOf('cuts')];
const [workers, clients] = [numberOf('workers'), numberOf('clients')];
const KEYS_EACH = 24;
const log = (line: string): void => console.log(line);

/** What the server may leave out, and how the paths of those files end. */
const OMISSIONS = {
  'the sync of segments': '.seg',
  'the sync of dedicated files': '.ext',
  'the sync of the journal': '.journal',
  'the sync of metadata': '/data.mdb',
};
const CUTS_TO_FIND = 5;

/** What is none would be less than any, and nothing would be lost since nothing was tried. */
function numberOf(name: 'worlds' | 'minutes' | 'kills' | 'cuts' | 'workers' | 'clients'): number {
  const text = values[name] ?? '';
  if (/^\d+$/.test(text)) return Number(text);
  console.error(`--${name} ${text}: that is to be a number`);
  process.exit(2);
}

async function soak(): Promise<number> {
  let faults = 0;
  const lacking: string[] = [];
  if (worlds > 0) {
    log(`simulated worlds, ${worlds} of them`);
    const outcome = await soakWorlds({ worlds, minutes, seed, log });
    log(`  ${outcome.worlds} worlds, ${outcome.faults} faults`);
    faults += outcome.faults;
    if (outcome.worlds < worlds) lacking.push(`${outcome.worlds} of ${worlds} worlds were run`);
  }
  if (kills > 0) {
    log(`kill -9 under load, ${kills} times`);
    const { data } = values;
    const outcome = await soakKills({
      kills,
      workers,
      clients,
      keysEach: KEYS_EACH,
      seed,
      log,
      backups: {},
      ...(data !== undefined && { parent: data }),
    });
    for (const line of outcome.figures.lines()) log(line);
    faults += outcome.faults.length;
  }
  if (cuts > 0) {
    try {
      log(`power cuts under load, ${cuts} times`);
      const outcome = await soakPowerCuts({ cuts, workers, seed, log });
      for (const line of outcome.figures.lines()) log(line);
      log(`  the power was cut ${outcome.cuts} times`);
      faults += outcome.faults.length + outcome.faultsUnderLoad.length;
    } catch (error) {
      if (!(error instanceof CannotTry)) throw error;
      log(`  skipped: ${error.message}`);
      lacking.push('power cuts were not made');
    }
  }
  log(conclusionOf({ faults, lacking }));
  return faults === 0 ? 0 : 1;
}

async function showPower(): Promise<number> {
  let survived = 0;
  for (const [omission, ending] of Object.entries(OMISSIONS)) {
    powerCutProgram();
    log(`power cuts of a server without ${omission}`);
    const { faults, faultsUnderLoad, cuts } = await soakPowerCuts({
      cuts: CUTS_TO_FIND,
      workers,
      seed: `${seed}/${ending}`,
      log,
      environment: (folder) => unsyncedEnvironment(buildUnsynced(folder), ending),
    });
    if (faults.length > 0 && faultsUnderLoad.length === 0)
      log(`  FOUND by ${faults.length} checks after cut ${cuts}`);
    else {
      survived += 1;
      log(`  NOT FOUND in ${cuts} cuts`);
    }
  }
  return survived === 0 ? 0 : 1;
}

log(`seed ${seed}`);
try {
  process.exitCode = values['show-power'] ? await showPower() : await soak();
} catch (error) {
  if (!(error instanceof CannotTry)) throw error;
  log(`skipped: ${error.message}`);
  process.exitCode = 2;
}
