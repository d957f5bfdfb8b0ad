/** A worker whose store committed what it asked for, and whose answer was lost on the way. */
import { MemoryEngine } from '@facet/engine';
import { LocalExtentStore, MemoryDisk } from '@facet/extents';
import { expect, test } from 'vitest';
import { CommandRunner, type Commands } from '../../src/commands/command.ts';
import { settle } from '../../src/contents/settled.ts';
import { FsError } from '../../src/errors.ts';
import { contentId, timestamp } from '../../src/ids.ts';
import { SPACE, spaceBounds } from '../../src/meta/keys.ts';
import { ContainerLeases } from '../../src/recovery/leases.ts';
import { bytesFrom, randomFrom } from '../random.ts';

test('leases that were narrowed without a word are narrowed further, down to none', async () => {
  const random = randomFrom(7);
  const environment = {
    now: () => timestamp(1n),
    monotonicMs: () => 0,
    randomBytes: (count: number) => bytesFrom(random, count),
  };
  const runner = new CommandRunner(new MemoryEngine(), environment);
  let losesAnswers = false;
  const commands: Commands = {
    run: async (command, args) => {
      const result = await runner.run(command, args);
      if (losesAnswers && command.name === 'narrowLease') throw new FsError('Interrupted', 'lost');
      return result;
    },
    read: (doing, op) => runner.read(doing, op),
  };
  const leases = new ContainerLeases({ commands, instance: bytesFrom(random, 16) });
  const disk = new MemoryDisk({ random });
  const extents = leases.track(new LocalExtentStore({ disk: disk.mount(), lease: leases.lease }));
  const recorded = () => runner.read('leases', (tx) => tx.range({ ...spaceBounds(SPACE.lease), limit: 100 }));

  const put = async (id: number): Promise<void> => {
    const writer = extents.create({ contentId: contentId(id), fileOffset: 0 });
    await writer.write(Buffer.alloc(300_000, id));
    const location = await writer.finish();
    settle({ kind: 'extent', lengthBytes: 300_000, contentId: contentId(id), location });
  };
  await put(1);
  losesAnswers = true;
  await expect(leases.giveBack(extents)).rejects.toMatchObject({ code: 'Interrupted' });
  losesAnswers = false;
  const once = await recorded();
  await put(2);
  await put(3);
  // What is recorded is read, and then narrowed.
  await leases.giveBack(extents);
  await leases.giveBack(extents);
  expect(await recorded()).not.toEqual(once);
  await extents.close();
  await leases.end(extents);
  expect(await recorded()).toEqual([]);
});
