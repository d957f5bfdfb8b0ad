import { LmdbReplica } from '../../src/index.ts';

/** Opens the store at each message, reads the key that it names, tells what it is, and closes it. */
const path = process.argv[2] ?? '';
process.on('message', async (key) => {
  const replica = new LmdbReplica({ path });
  replica.open();
  process.send?.('opened');
  const value = replica.readAtOnce((tx) => tx.get(Buffer.from(String(key))));
  await replica.close();
  process.send?.(Number(value?.toString() ?? 0));
});
process.send?.('ready');
