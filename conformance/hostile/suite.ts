import type { Suite } from '../runner/suite.ts';
import { runChecks } from '../runner/suite.ts';
import { checkRow } from './row.ts';
import { TABLE } from './table.ts';
import { makeTarget } from './target.ts';

export const hostileSuite: Suite = {
  name: 'hostile',
  run: async function* (stage) {
    const target = await makeTarget(await stage.http());
    for (const [abused, rows] of Object.entries(TABLE)) {
      const checks = Object.fromEntries(rows.map((row) => [row.name, () => checkRow(row, target)]));
      yield* runChecks(checks, undefined, `${abused}: `);
    }
  },
};
