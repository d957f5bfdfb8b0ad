import { writeSync } from 'node:fs';
import { openLmdbEngine } from '../../src/index.ts';
import { openJournaled } from '../journalRig.ts';

/**
 * Writes records `<name>/<sequence>`, 16 at a time, until it is killed. Each operation
 * also counts itself at `count`. A record's number goes to standard output once it is acknowledged: what a pipe
 * has taken survives the writer.
 */
const [path = '', name = '', journal] = process.argv.slice(2);
const engine = await (journal === undefined
  ? openLmdbEngine({ path })
  : openJournaled({ path, growthBytesMax: 1 << 20 }));
let next = 0;

async function writeOn(): Promise<never> {
  for (;;) {
    const sequence = next++;
    await engine.write(function* (tx) {
      const count = Number((yield* tx.get(Buffer.from('count'))) ?? 0) + 1;
      tx.put(Buffer.from('count'), Buffer.from(String(count)));
      tx.put(Buffer.from(`${name}/${sequence}`), Buffer.alloc(50 + (sequence % 7) * 400, sequence % 256));
      return count;
    });
    writeSync(1, `${sequence}\n`);
  }
}

await Promise.all(Array.from({ length: 16 }, writeOn));
