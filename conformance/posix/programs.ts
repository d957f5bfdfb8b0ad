/**
 * The three programs that are run, and how each is had: its sources from the folder that an environment variable names,
 * else fetched once into the cache at the commit that is named here; then built, in a copy.
 */
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandFailed, runCommand } from '../runner/command.ts';
import { Skip, type Stage } from '../runner/suite.ts';

export type ProgramName = 'pjdfstest' | 'cthon' | 'fsx';

interface Source {
  /** Names a folder of its sources. */
  readonly variable: string;
  readonly repository: string;
  readonly commit: string;
  /** What of them is needed. */
  readonly paths: readonly string[];
  /** A file of ours that is built into it. */
  readonly ours?: string;
  build(folder: string): Promise<void>;
}

const FETCH_MS_MAX = 300_000;
const BUILD_MS_MAX = 300_000;
const FEWER_FORKS = fileURLToPath(new URL('guest/fewerForks.sh', import.meta.url));
const FSX_HEADER = fileURLToPath(new URL('fsx/global.h', import.meta.url));

/** What a compiler of today must be told of C as it was written then. */
const OLD_C = '-DLINUX -DHAVE_SOCKLEN_T -DGLIBC=22 -DMMAP -DSTDARG -D_GNU_SOURCE -fcommon -w -std=gnu89';

const SOURCES: Readonly<Record<ProgramName, Source>> = {
  pjdfstest: {
    variable: 'FACET_PJDFSTEST',
    repository: 'https://github.com/pjd/pjdfstest.git',
    commit: '85a8aea9e685999ef0540392fd80535f873d7ff7',
    paths: ['.'],
    ours: FEWER_FORKS,
    build: async (folder) => {
      await build(folder, 'autoreconf', '-ifs');
      await build(folder, './configure', '-q');
      // It is started for each check: without libraries to load that takes half the time. Not every machine has such a libc.
      await build(folder, 'make', 'pjdfstest', 'LDFLAGS=-static').catch(() =>
        build(folder, 'make', 'pjdfstest'),
      );
      appendFileSync(join(folder, 'tests/misc.sh'), readFileSync(FEWER_FORKS));
    },
  },
  cthon: {
    variable: 'FACET_CTHON',
    repository: 'https://github.com/phdeniel/cthon04.git',
    commit: '3857ed3cb1e2292065d6a7f6623b0fa2398eaaa7',
    paths: ['.'],
    build: async (folder) => {
      for (const group of ['basic', 'special', 'general', 'lock']) {
        await build(join(folder, group), 'make', `CFLAGS=${OLD_C}`, 'LIBS=-lm');
      }
    },
  },
  fsx: {
    variable: 'FACET_FSX',
    repository: 'https://github.com/kdave/xfstests.git',
    commit: '63a29724a85f1999e49bf0a9bf0d22643b6116e5',
    paths: ['ltp/fsx.c', 'src/statx.h'],
    ours: FSX_HEADER,
    build: async (folder) => {
      copyFileSync(FSX_HEADER, join(folder, 'src/global.h'));
      await build(folder, 'cc', ...['-O1', '-w', '-D_GNU_SOURCE', '-Isrc', '-o', 'fsx', 'ltp/fsx.c']);
    },
  },
};

async function build(folder: string, program: string, ...words: readonly string[]): Promise<void> {
  await runCommand(program, words, { cwd: folder, timeoutMs: BUILD_MS_MAX });
}

/** The folder that it was built in. @throws Skip when its sources cannot be had, or not be built here */
export async function haveProgram(stage: Stage, name: ProgramName): Promise<string> {
  const source = SOURCES[name];
  const given = process.env[source.variable];
  const folder = join(given === undefined ? stage.cache : stage.scratch, `${name}-${identity(source)}`);
  const done = join(folder, 'built-for-conformance');
  if (existsSync(done)) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  try {
    if (given === undefined) await fetchSource(folder, source);
    else for (const path of source.paths) copyInto(folder, given, path);
  } catch (error) {
    const how = `${source.variable} may name a folder of ${source.repository} at ${source.commit}`;
    throw new Skip(`the sources of ${name} cannot be had (${how}): ${(error as Error).message}`);
  }
  try {
    await source.build(folder);
  } catch (error) {
    if (error instanceof CommandFailed) throw new Skip(`${name} cannot be built here: ${error.message}`);
    throw error;
  }
  writeFileSync(done, '');
  return folder;
}

/** Another commit, or another file of ours, is built anew. */
function identity({ commit, ours }: Source): string {
  const hash = createHash('sha256').update(commit);
  return (ours === undefined ? hash : hash.update(readFileSync(ours))).digest('hex').slice(0, 12);
}

async function fetchSource(folder: string, { repository, commit, paths }: Source): Promise<void> {
  const git = (...words: readonly string[]) =>
    runCommand('git', words, {
      cwd: folder,
      timeoutMs: FETCH_MS_MAX,
      env: { ...process.env, GIT_TERMINAL_PROMPT: '0' },
    });
  await git('init', '--quiet');
  await git('fetch', '--quiet', '--depth', '1', repository, commit);
  await git('checkout', '--quiet', 'FETCH_HEAD', '--', ...paths);
}

function copyInto(folder: string, given: string, path: string): void {
  cpSync(join(given, path), join(folder, path), { recursive: true });
}
