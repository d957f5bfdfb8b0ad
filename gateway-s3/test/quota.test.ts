import { expect, it, onTestFinished } from 'vitest';
import { startWorld } from './world.ts';

it('what would be over the quota of a bucket is refused, and nothing is stored', async () => {
  const world = await startWorld();
  onTestFinished(() => world.close());
  const { alice, core } = world;
  await alice.put('/quota');
  const volume = await core.volumes.find('quota');
  if (!volume) throw new Error('there is no bucket');
  await core.volumes.setSettings(volume.id, { quotaBytes: 10_000 });
  expect((await alice.put('/quota/fits', Buffer.alloc(8_000))).status).toBe(200);
  for (const sizeBytes of [2_001, 50_000, 400_000]) {
    const refused = await alice.put('/quota/more', Buffer.alloc(sizeBytes));
    expect([refused.status, refused.code]).toEqual([403, 'QuotaExceeded']);
    expect((await alice.get('/quota/more')).status).toBe(404);
  }
  expect((await alice.put('/quota/fits', Buffer.alloc(10_000))).status).toBe(200);
  expect(world.errors).toEqual([]);
});
