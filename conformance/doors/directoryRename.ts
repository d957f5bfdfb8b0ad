/** A directory of very many objects is renamed in one transaction: S3 lists it under one name, never both, never none. */
import assert from 'node:assert/strict';
import { fill } from '../nfs/fill.ts';
import type { Checks } from '../runner/suite.ts';
import { textsOf } from '../wire/send.ts';
import { runPython, type World } from './world.ts';

const OBJECTS = 100_000;
const OBJECTS_LARGE = 1_000_000;
const DIRECTORIES = 10;
/** Of the rename: it moves one entry, whatever is below. The machine may be busy. */
const RENAME_SECONDS_MAX = 5;

export const directoryRename: Checks<World> = {
  'a directory of 100,000 objects (a million with --large)': async (world) => {
    const { objects, large, tell } = world;
    const count = large ? OBJECTS_LARGE : OBJECTS;
    const keys = Array.from({ length: count }, (_, at) => `big-a/d${at % DIRECTORIES}/${at}`);
    const started = performance.now();
    await fill(world, keys);
    tell(`${count} objects made in ${((performance.now() - started) / 1000).toFixed(0)} s`);

    const seen = new Set<string>();
    let renamed = false;
    const watching = (async () => {
      while (!renamed) {
        const { text } = await objects.page('prefix=big-&delimiter=%2F');
        const [prefixes] = [textsOf(text, 'Prefix').filter((prefix) => prefix !== 'big-')];
        seen.add(prefixes.join(' '));
      }
    })();
    const took = await runPython(world, [
      'import os, time',
      'start = time.monotonic()',
      'os.rename("big-a", "big-b")',
      'print(time.monotonic() - start)',
    ]).finally(() => {
      renamed = true;
    });
    const { text } = await objects.page('prefix=big-b%2F');
    assert.equal(textsOf(text, 'Key').length, 1_000);
    await watching;
    assert.deepEqual(textsOf((await objects.page('prefix=big-a')).text, 'Key'), []);
    for (const names of seen) assert.ok(['big-a/', 'big-b/'].includes(names), `S3 listed '${names}'`);
    tell(`the rename: ${(Number(took) * 1000).toFixed(0)} ms`);
    assert.ok(Number(took) < RENAME_SECONDS_MAX, `the rename took ${took} s`);

    const listed = (await objects.list('big-b/')).filter((key) => !key.endsWith('/'));
    assert.deepEqual(listed, keys.map((key) => key.replace('big-a', 'big-b')).sort());
  },
};
