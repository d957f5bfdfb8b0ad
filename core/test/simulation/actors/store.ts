/** What is done to the store as a whole: volumes that come and go, hosts with locks, scrubs. */

import { Broken } from '../invariants.ts';
import { objectActions } from './objects.ts';
import { type Action, frees, type Surroundings } from './surroundings.ts';

export const storeActions: readonly Action[] = [volumes, lockHosts, scrub];

const OTHER = 'other';

export async function volumes(within: Surroundings): Promise<unknown> {
  const { volumes: view } = within.core;
  const other = await view.find(OTHER);
  if (!other) return view.create({ name: OTHER, owner: 'tester' });
  if (within.oneIn(2)) return within.pick(objectActions)(within);
  // It must be empty for that: mostly it is not.
  const { entries } = await within.core.objects.list({
    volume: other.id,
    prefix: Buffer.alloc(0),
    delimiter: Buffer.alloc(0),
    limit: 1000,
  });
  for (const entry of entries) {
    if (entry.kind === 'object')
      await frees(within.core.objects.delete({ volume: other.id, key: entry.key }));
  }
  return frees(view.delete(other.id));
}

async function lockHosts(within: Surroundings): Promise<unknown> {
  const { lockHosts: view } = within.core;
  const name = within.pick(['one', 'two', 'three']);
  const host = { address: '10.0.0.1', name };
  if (within.oneIn(3)) return view.remember(host);
  if (within.oneIn(2)) return view.forget(host);
  await within.idle();
  const expected = [...within.replay.lockHosts].sort();
  const told = (await view.list()).map((known) => known.name).sort();
  if (told.join() !== expected.join())
    throw new Broken(
      'readsAreCurrent',
      `hosts with locks are ${told.join()}, of the model ${expected.join()}`,
    );
  return told;
}

/** Nothing that anything refers to is ever damaged, as a reader sees it who takes his time. */
async function scrub(within: Surroundings): Promise<unknown> {
  const report = await within.core.scrub({ bytesPerSecond: Number.POSITIVE_INFINITY });
  if (report.damaged.length > 0 && !within.mayFail)
    throw new Broken('bytesAreKept', `a scrub found damage: ${JSON.stringify(report.damaged)}`);
  return report;
}
