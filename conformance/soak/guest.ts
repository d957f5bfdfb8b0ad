/**
 * Runs inside the guest: `node guest.ts PLAN.json`. It checks what the last cut left, then loads the server until
 * the power goes. What it printed by then is what was acknowledged.
 */
import { readFileSync, writeSync } from 'node:fs';
import { CUT_LINE, type GuestEvent, type GuestPlan, lineOf } from './guestPlan.ts';
import { Ledger } from './ledger.ts';
import { ensureBucket, resumeUploads, runLoad } from './load.ts';
import { clientsOf, type World } from './objects.ts';
import { Random } from './random.ts';
import { fsckFault, type SoakServer, startServer } from './server.ts';
import { verify } from './verify.ts';

const STDOUT = 1;

const plan: GuestPlan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
let during: 'check' | 'load' = 'check';
let acknowledged = 0;
let faults = 0;

// Not through a stream: the line must be out before the next request is sent.
function tell(event: GuestEvent): void {
  writeSync(STDOUT, lineOf(event));
}

function cutNow(): void {
  writeSync(STDOUT, `${CUT_LINE}\n`);
}

function onFault(fault: string): void {
  faults += 1;
  tell({ t: 'fault', during, fault });
}

const ledger = new Ledger((event) => {
  tell(event);
  if (event.t !== 'ok' || during !== 'load') return;
  acknowledged += 1;
  if (plan.cut.kind !== 'load' || acknowledged !== plan.cut.changes) return;
  if (plan.cut.laterMs === 0) cutNow();
  else setTimeout(cutNow, plan.cut.laterMs);
});

async function start(
  environment: Readonly<Record<string, string>>,
): Promise<SoakServer & Disposable & World> {
  const { data, logFile, workers } = plan;
  const server = await startServer({
    data,
    logFile,
    workers,
    environment,
    onError: (line) => onFault(line),
  });
  if (!server) throw new Error('the server was killed');
  return { ...server, ...clientsOf(server), ledger, onFault };
}

/** The store as the cut left it: it must come up, hold what it should, and be clean. */
async function check(): Promise<void> {
  using server = await start({});
  tell({ t: 'ready', ms: server.readyMs });
  await ensureBucket(server);
  const { keys, objects, unknown } = await verify(server);
  tell({ t: 'verified', keys, objects, unknown });
  if (plan.cut.kind === 'none') {
    await resumeUploads(server, { round: plan.round });
    await verify(server);
  }
  const how = await server.stop();
  if (how !== '0') onFault(`the server ended with ${how} when it was asked to stop`);
  const fault = await fsckFault(plan.data);
  if (fault === undefined) tell({ t: 'clean' });
  else onFault(fault);
}

async function load(): Promise<void> {
  using server = await start(plan.environment);
  const { round, clients, keysEach } = plan;
  tell({ t: 'loading' });
  during = 'load';
  await resumeUploads(server, { round });
  const random = new Random(`${plan.seed}/cuts/${round}`);
  const never = new AbortController().signal;
  let isThere = true;
  void server.ended.then(() => {
    isThere = false;
  });
  await runLoad({ ...server, round, clients, keysEach, random, until: never, isThere: () => isThere });
  onFault('the server ended under load, before the power was cut');
}

for (const event of plan.ledger) ledger.replay(event);
if (plan.cut.kind === 'start') setTimeout(cutNow, plan.cut.afterMs);
try {
  await check();
  if (plan.cut.kind !== 'none' && faults === 0) await load();
} catch (error) {
  onFault(error instanceof Error ? (error.stack ?? error.message) : String(error));
}
process.exit(0);
