import { execFileSync } from 'node:child_process';
import { type EngineError, openLmdbEngine } from '../../src/index.ts';

/**
 * Lets the device refuse to write while there is room: a limit on the size of files does it, since the parent
 * has SIGXFSZ ignored. Ends with 0 and one line of JSON that says what became of everything.
 */
const engine = await openLmdbEngine({
  path: process.argv[2] ?? '',
  onFatal: (error) => fatal.push(error.code),
});
const fatal: string[] = [];
const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: EngineError) => error.code,
  );
const put = (name: string) =>
  engine.write(function* (tx) {
    tx.put(Buffer.from(name), Buffer.alloc(10_000));
    return yield* tx.get(Buffer.from(name));
  });

const before = await outcome(put('before'));
execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=16384:unlimited']);
const writes = await Promise.all(['a', 'b', 'c'].map((name) => outcome(put(name))));
const after = [await outcome(put('d')), await outcome(engine.read((tx) => tx.get(Buffer.from('a'))))];
await engine.close();
process.stdout.write(`${JSON.stringify({ before, writes, after, fatal })}\n`);
