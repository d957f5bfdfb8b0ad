/** One seed is one simulated world: nothing that runs in one asks the machine what time it is, or for chance. */

import type { Rule } from './project.ts';
import { lineAt, withoutComments } from './source.ts';

const SIMULATED =
  /^(?:core\/src|core\/test\/simulation|packages\/(?:engine\/src\/memory|extents\/src|journal\/src))\/.*\.ts$/;

/** Clocks, timers, turns of the event loop, dice. */
const REAL = [
  /\bDate\.now\b|\bnew Date\(\)|\bperformance\.|\bhrtime\b/g,
  /\bset(?:Timeout|Interval|Immediate)\b|'node:timers\b/g,
  /\bMath\.random\b|\bimport\s*\{[^}]*\brandom[^}]*\}\s*from\s*'node:crypto'/g,
];

/** Where they come in, and what does not matter to a world, for the reason given. */
const EXCEPTED: ReadonlyMap<string, string> = new Map([
  ['core/src/environment.ts', 'a world hands in its own'],
  ['core/src/space/timer.ts', 'a world hands in its own'],
  ['core/src/scrub/pace.ts', 'a world hands in its own'],
  ['core/src/maintenance/remote.ts', 'it tells a process of progress that no world has'],
  ['packages/extents/src/localExtentStore.ts', 'a world hands in when a batch is gathered'],
  ['packages/extents/src/loneWriter.ts', 'only the disk of the machine has one'],
  ['packages/extents/src/arrivals.ts', 'only the disk of the machine has them'],
  ['packages/journal/src/groupWriter.ts', 'what a write took is counted, and decides nothing'],
  ['packages/journal/src/journal.ts', 'dice are handed in'],
  ['core/test/simulation/scheduler.ts', 'a step is over when nothing goes on by itself'],
  ['core/test/simulation/family/family.ts', 'and so where nothing is interleaved'],
  ['core/test/simulation/starved.ts', 'it has them run away'],
]);

export const worldsHaveTheirOwnTime: Rule = (files) =>
  files
    .filter(({ path }) => SIMULATED.test(path) && !EXCEPTED.has(path))
    .flatMap(({ path, text }) => {
      const code = withoutComments(text);
      return REAL.flatMap((pattern) =>
        Array.from(
          code.matchAll(pattern),
          ({ 0: found, index }) =>
            `${path}:${lineAt(code, index)} ${found.replaceAll(/\s+/g, ' ')}: a simulated world would not be the same twice`,
        ),
      );
    });
