/** Damage to bytes is told with the objects whose bytes they are. */

import { expect, it, onTestFinished } from 'vitest';
import type { Finding } from '../../src/fsck/findings.ts';
import { bytesFrom } from '../random.ts';
import { LONG_NAME, openRichStore } from './richStore.ts';

const namesIn = (findings: readonly Finding[]): readonly string[] =>
  [
    ...new Set(
      findings.flatMap(({ objects = [] }) =>
        objects.map(({ volume, key, upload }) => `${volume}/${key}${upload ? ' (upload)' : ''}`),
      ),
    ),
  ].toSorted();

it('of every shape: copies, parts, directories’ objects, links, uploads under way', async () => {
  const world = await openRichStore();
  onTestFinished(() => world.close());
  const deep = `deep//down/${LONG_NAME}/${'ä'.repeat(130)}`;
  await world.put(deep, bytesFrom(world.random, 5_000));
  await world.crash();
  for (const { container } of await world.life.extents.list()) await world.life.extents.unlink(container);
  const findings = (await world.findings()).filter(({ kind }) => kind === 'containerMissing');
  const keys = ['big', 'copy', deep, 'dir/x', 'even', 'file', 'joined', 'large/', 'linked', 'odd'];
  expect(namesIn(findings)).toEqual(
    [...keys, 'open (upload)', 'other', 'packed'].map((key) => `bucket/${key}`),
  );
});

it('of what is damaged, and of nothing else', async () => {
  const world = await openRichStore();
  onTestFinished(() => world.close());
  const { extents } = world.life;
  const container = (await extents.list()).find(({ sizeBytes }) => sizeBytes > 1_200_000)?.container ?? 0;
  const name = `00/${container.toString(16).padStart(14, '0')}.ext`;
  world.disk.damage({ name, offset: 500_000, mask: 1 });
  const findings = await world.findings();
  expect(findings.map(({ kind }) => kind)).toEqual(['frameDamaged']);
  expect(namesIn(findings)).toEqual(['bucket/big', 'bucket/copy', 'bucket/joined']);
});
