import { type Bytes, MemoryEngine } from '@facet/engine';
import { expect, it } from 'vitest';
import { layerId, timestamp, volumeId } from '../../src/ids.ts';
import { volumeKey } from '../../src/meta/keys.ts';
import { encodeVolume } from '../../src/meta/records/volume.ts';
import { viewVolume } from '../../src/tree/scope.ts';

const id = volumeId(1);

function stored(name: string, owner: string): Bytes {
  const defaults = { uid: 0, gid: 0, directoryMode: 0o755, fileMode: 0o644 };
  return encodeVolume({ id, layer: layerId(1), created: timestamp(5n), defaults, name, owner });
}

it('a volume is what is stored, in whichever store, however often it was read before', async () => {
  const engines = [new MemoryEngine(), new MemoryEngine()];
  for (const [round, owner] of ['one', 'two', 'two', 'one'].entries()) {
    for (const [index, engine] of engines.entries()) {
      await engine.write(function* (tx) {
        tx.put(volumeKey(id), stored(`bucket${index}`, owner));
        return yield* tx.get(volumeKey(id));
      });
    }
    for (const [index, engine] of engines.entries()) {
      const { volume } = await engine.read((tx) => viewVolume(tx, id));
      expect(volume, `round ${round}`).toMatchObject({ name: `bucket${index}`, owner });
      expect((await engine.read((tx) => viewVolume(tx, id))).volume).toEqual(volume);
    }
  }
});

it('a volume that is gone is not found, though it was a moment before', async () => {
  const engine = new MemoryEngine();
  await engine.write(function* (tx) {
    tx.put(volumeKey(id), stored('bucket', 'one'));
    return yield* viewVolume(tx, id);
  });
  await engine.write(function* (tx) {
    tx.delete(volumeKey(id));
    return yield* tx.get(volumeKey(id));
  });
  await expect(engine.read((tx) => viewVolume(tx, id))).rejects.toMatchObject({ code: 'NoSuchVolume' });
});
