/** The soak in small: that it runs, and finds nothing. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { soakKills } from './kills.ts';
import { powerCutProgram, soakPowerCuts } from './powerCuts.ts';
import { soakWorlds } from './worlds.ts';

const SEED = 'smoke';
/** Each starts many processes. */
const LONG = { timeout: 240_000 };

function quietly(): { readonly told: string[]; readonly log: (line: string) => void } {
  const told: string[] = [];
  return { told, log: (line) => void told.push(line) };
}

test('an option that is no number is refused', () => {
  const run = fileURLToPath(new URL('run.ts', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [run, '--worlds', '0', '--kills', 'ten'], {
    encoding: 'utf8',
  });
  expect([status, stdout, stderr]).toEqual([2, '', expect.stringContaining('--kills ten')]);
});

test('a few worlds hold what was committed', async () => {
  const { told, log } = quietly();
  const outcome = await soakWorlds({ worlds: 8, minutes: 5, seed: SEED, log });
  expect(outcome, told.join('\n')).toEqual({ worlds: 8, faults: 0 });
});

test('nothing acknowledged is lost to kill -9, nor to a backup that is brought back', LONG, async () => {
  const { told, log } = quietly();
  const { faults, figures } = await soakKills({
    kills: 2,
    workers: 0,
    clients: 4,
    keysEach: 8,
    seed: SEED,
    backups: {},
    log,
  });
  expect(faults, told.join('\n')).toEqual([]);
  expect(figures.acknowledged).toBeGreaterThan(5);
  expect(told).toContainEqual(
    expect.stringMatching(/backups: [1-9]\d* taken, .* 2 brought back and proven$/),
  );
});

describe.skipIf(whyNot() !== undefined)(`power cuts${whyNot() ?? ''}`, () => {
  test('nothing acknowledged is lost to a power cut', LONG, async () => {
    const { told, log } = quietly();
    const { faults, faultsUnderLoad, figures } = await soakPowerCuts({
      cuts: 1,
      workers: 0,
      seed: SEED,
      log,
    });
    expect([...faults, ...faultsUnderLoad], told.join('\n')).toEqual([]);
    expect(figures.acknowledged).toBeGreaterThan(5);
  });
});

/** What keeps the power from being cut here, as an end of the title. */
function whyNot(): string | undefined {
  try {
    powerCutProgram();
    return undefined;
  } catch (error) {
    return `: skipped, ${error instanceof Error ? error.message : error}`;
  }
}
