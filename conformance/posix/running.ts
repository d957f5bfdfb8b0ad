/** Runs each program in a folder of its own of a kernel's mount. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { KernelClient } from '../nfs/kernelClient.ts';
import type { ProgramName } from './programs.ts';
import { addUp, readExitCodes, readTap, type Tally } from './tally.ts';

export interface Run {
  readonly mount: KernelClient;
  /** The folder that the program was built in. */
  readonly built: string;
  /** Everything, not a sample of it. */
  readonly large: boolean;
}

const AT_ONCE = 4;
const SECONDS_MAX = 3_600;
const STEP_SECONDS_MAX = 1_200;

/**
 * They go through every pair of kinds of file and of users: 5,732 of 8,798 checks, and most of the time. Without
 * `--large` the sample is everything else.
 */
export const EXHAUSTIVE: readonly string[] = ['rename/09', 'rename/10', 'chown/00'];

export const runs: Readonly<Record<ProgramName, (run: Run) => Promise<Tally>>> = {
  pjdfstest: async ({ mount, built, large }) => {
    const out = folderFor(mount, 'pjdfstest');
    const found = readdirSync(join(built, 'tests'), { recursive: true, encoding: 'utf8' })
      .filter((path) => /^\w+\/\d+\.t$/.test(path))
      .map((path) => path.slice(0, -'.t'.length));
    // The long ones first, so that none is left to run alone in the end.
    const tests = [
      ...(large ? EXHAUSTIVE : []),
      ...found.filter((test) => !EXHAUSTIVE.includes(test)).sort(),
    ];
    writeFileSync(join(out, 'tests'), tests.map((test) => `${test}\n`).join(''));
    await guest(mount, 'pjdfstest', [built, out, AT_ONCE, SECONDS_MAX]);
    return addUp(
      tests.map((test) => readTap(test, readFileSync(join(out, `${test.replace('/', '_')}.tap`), 'utf8'))),
    );
  },

  cthon: async ({ mount, built }) => {
    const out = folderFor(mount, 'cthon');
    return readExitCodes(await guest(mount, 'cthon', [built, out, STEP_SECONDS_MAX]), out);
  },

  fsx: async ({ mount, built }) => {
    const out = folderFor(mount, 'fsx');
    return readExitCodes(await guest(mount, 'fsx', [built, out, STEP_SECONDS_MAX]), out);
  },
};

/** Of this host: what the program says in the guest is read here. */
function folderFor(mount: KernelClient, name: ProgramName): string {
  const folder = join(mount.shared, name);
  mkdirSync(folder);
  return folder;
}

function guest(mount: KernelClient, name: ProgramName, words: readonly (string | number)[]): Promise<string> {
  const script = fileURLToPath(new URL(`guest/${name}.sh`, import.meta.url));
  return mount.run(`mkdir ${name} && cd ${name} && exec bash ${script} ${words.join(' ')}`, SECONDS_MAX);
}
