import { openLmdbEngine } from '../../src/index.ts';

/** Writes each number it is told to the key `n`, reads it, and answers with what it read. */
const engine = await openLmdbEngine({ path: process.argv[2] ?? '' });
process.on('message', async (n) => {
  await engine.write(function* (tx) {
    tx.put(Buffer.from('n'), Buffer.from(String(n)));
    return yield* tx.get(Buffer.from('n'));
  });
  const value = await engine.read((tx) => tx.get(Buffer.from('n')));
  process.send?.(Number(value));
});
process.send?.('ready');
