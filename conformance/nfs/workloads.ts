/** What people do on a mount, by a Linux kernel, each compared afterwards with what it should be, and with S3. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../runner/command.ts';
import type { Checks } from '../runner/suite.ts';
import type { Unpacked } from '../tools/debian.ts';
import { sha256Hex } from '../wire/sigv4.ts';
import { needProgram } from './hostProgram.ts';
import type { KernelClient } from './kernelClient.ts';
import type { Objects } from './objects.ts';

export interface Workloads {
  readonly mount: KernelClient;
  readonly objects: Objects;
  /** @throws Skip when it cannot be had */
  rsync(): Promise<Unpacked>;
  tell(line: string): void;
}

const FILES = 20_000;
const DIRECTORIES = 200;
const SECONDS_MAX = 880;
const SAMPLED_BY_S3 = 100;
const GIT_COMMITS = 20;

/** Type, mode, owner, links, size, time and target of each name, sorted; of directories no size or links. */
const DESCRIBE = String.raw`find . -mindepth 1 \( -type d -printf '%P|d|%m|%U:%G|%TY-%Tm-%Td %TT\n' -o -printf '%P|%y|%m|%U:%G|%n|%s|%TY-%Tm-%Td %TT|%l\n' \) | LC_ALL=C sort`;

const bodyOf = (at: number): string => `file ${at}\n`.repeat(1 + ((at * 7) % 160));

/** Files of up to 2 KB in two levels, links of both kinds, odd names, modes and times. */
function makeTree(folder: string, files: number): void {
  for (let at = 0; at < files; at++) {
    const directory = join(folder, `d${at % DIRECTORIES}`, `e${at % 3}`);
    if (at < DIRECTORIES * 3) mkdirSync(directory, { recursive: true });
    const path = join(directory, `file-${at}`);
    writeFileSync(path, bodyOf(at), { mode: at % 11 === 0 ? 0o755 : 0o640 });
    utimesSync(path, 1_600_000_000 + at, 1_500_000_000 + at);
  }
}

async function makeLinks(folder: string): Promise<void> {
  const script = [
    ...['ln d0/e0/file-0 linked', 'ln -s d1/e1/file-1 symlink', 'ln -s nowhere dangling'],
    ...['mkdir empty', 'printf odd > "a blank é+%20 \'q\'"', 'chmod 2770 d3', 'mkfifo fifo'],
    ...['truncate -s 5M sparse', 'printf end >> sparse', 'chown 1234:5678 d4/e1/file-4'],
  ];
  await runCommand('sh', ['-ec', script.join('\n')], { cwd: folder, timeoutMs: 60_000 });
}

/** Made once, on this host, for all that copy it. */
async function sourceTree({ mount }: Workloads): Promise<string> {
  const folder = join(mount.shared, 'tree');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  makeTree(folder, FILES);
  await makeLinks(folder);
  return folder;
}

export const workloads: Checks<Workloads> = {
  'cp -a of 20,000 files, compared': async (world) => {
    const { mount, objects, tell } = world;
    const source = await sourceTree(world);
    const copied = await mount.run(
      `s=$(date +%s.%N); cp -a ${source} copy; sync; e=$(date +%s.%N); echo "$e $s"`,
      SECONDS_MAX,
    );
    const [end = 0, start = 0] = copied.trim().split(' ').map(Number);
    tell(`cp -a of ${FILES} files: ${(end - start).toFixed(1)} s`);
    // What the client remembers of what it wrote would compare well with anything.
    await mount.run('echo 3 > /proc/sys/vm/drop_caches');
    await mount.run(`diff -r --no-dereference ${source} copy -x fifo`, SECONDS_MAX);
    await mount.run(
      `(cd ${source}; ${DESCRIBE}) > /tmp/wanted; (cd copy; ${DESCRIBE}) > /tmp/found; diff /tmp/wanted /tmp/found | head -20; cmp /tmp/wanted /tmp/found`,
      SECONDS_MAX,
    );
    const listed = (await objects.list('copy/')).filter((key) => /\/file-\d+$/.test(key));
    assert.equal(listed.length, FILES);
    for (let at = 0; at < FILES; at += FILES / SAMPLED_BY_S3) {
      const key = `copy/d${at % DIRECTORIES}/e${at % 3}/file-${at}`;
      assert.equal((await objects.get(key))?.toString(), bodyOf(at), key);
    }
    assert.equal((await objects.get('copy/linked'))?.toString(), bodyOf(0));
    assert.equal((await objects.get('copy/sparse'))?.length, (5 << 20) + 3);
  },

  'find: by name, size, type, time': async ({ mount }) => {
    const counted = await mount.run(
      [
        'find copy -type f | wc -l',
        'find copy -name "file-199?" | wc -l',
        'find copy -type f -perm 755 | wc -l',
        'find copy -type l | wc -l',
        'find copy -type f ! -newermt "2017-07-14 02:45" | wc -l',
        'find copy -links +1 -type f | wc -l',
      ].join('; '),
      SECONDS_MAX,
    );
    // The tree's own files, the linked name, the sparse one and the oddly named one.
    const old = Array.from({ length: FILES }, (_, at) => 1_500_000_000 + at).filter(
      (at) => at <= 1_500_000_300,
    );
    assert.deepEqual(counted.trim().split('\n').map(Number), [
      ...[FILES + 3, 10, Math.ceil(FILES / 11) + 1, 2],
      ...[old.length + 1, 2],
    ]);
  },

  'tar: out of the mount, and into it': async ({ mount }) => {
    await mount.run('tar -cf archive.tar -C copy .', SECONDS_MAX);
    await mount.run(
      'mkdir unpacked && tar -xpf archive.tar -C unpacked ./d0 ./d1 ./d2 ./linked ./symlink ./sparse',
      SECONDS_MAX,
    );
    await mount.run(
      `for d in d0 d1 d2 symlink sparse; do diff -r --no-dereference copy/$d unpacked/$d || exit 1; done`,
    );
    await mount.run(
      `(cd copy/d1; ${DESCRIBE}) > /tmp/wanted; (cd unpacked/d1; ${DESCRIBE}) > /tmp/found; diff /tmp/wanted /tmp/found`,
    );
    assert.equal((await mount.run('stat -c %h unpacked/linked unpacked/d0/e0/file-0')).trim(), '2\n2');
  },

  'rsync -a twice: the second transfers nothing': async ({ mount, objects, rsync }) => {
    const { program, environment } = await rsync();
    const call = `LD_LIBRARY_PATH=${environment['LD_LIBRARY_PATH']} ${program('rsync')} -aH --stats --exclude fifo`;
    const source = join(mount.shared, 'tree/d5');
    const first = await mount.run(`${call} ${source}/ synced/`, SECONDS_MAX);
    assert.match(first, /Number of regular files transferred: 100/);
    const again = await mount.run(`${call} --itemize-changes ${source}/ synced/`, SECONDS_MAX);
    assert.match(again, /Number of regular files transferred: 0/);
    assert.doesNotMatch(again, /^[<>ch.*][fdLDS]/m, 'the second found something to change');
    await mount.run(`diff -r ${source} synced`);
    const whole = await mount.run(`${call} --checksum --dry-run --itemize-changes ${source}/ synced/`);
    assert.doesNotMatch(whole, /^[<>ch.*][fdLDS]/m);
    assert.equal((await objects.list('synced/')).filter((key) => !key.endsWith('/')).length, 100);
  },

  'git: clone of a local repository, fsck, commit, log': async ({ mount, objects }) => {
    await needProgram(mount, 'git');
    const repository = join(mount.shared, 'repository');
    makeTree(repository, DIRECTORIES * 5);
    const git = 'git -c user.name=c -c user.email=c@c -c safe.directory=* -c init.defaultBranch=main';
    const commits = Array.from(
      { length: GIT_COMMITS },
      (_, at) => `echo ${at} > d0/e0/file-0; ${git} commit -qam ${at}`,
    );
    const make = [`${git} init -q .`, `${git} add .`, `${git} commit -qm first`, ...commits, `${git} gc -q`];
    await runCommand('sh', ['-ec', make.join('\n')], { cwd: repository, timeoutMs: 120_000 });
    await mount.run(`${git} clone -q --no-local ${repository} cloned`, SECONDS_MAX);
    await mount.run(
      `cd cloned && ${git} fsck --full --strict && diff -r -x .git ${repository} .`,
      SECONDS_MAX,
    );
    const log = await mount.run(
      `cd cloned && echo more > added && ${git} add added && ${git} commit -qm added && ${git} status --porcelain && ${git} log --oneline | wc -l`,
    );
    assert.equal(log.trim(), String(GIT_COMMITS + 2));
    assert.equal((await objects.get('cloned/added'))?.toString(), 'more\n');
    assert.match((await objects.get('cloned/.git/HEAD'))?.toString() ?? '', /^ref: refs\/heads\/main/);
  },

  'sqlite3 with its own locks: four writers at once, none lost': async ({ mount, objects }) => {
    await needProgram(mount, 'sqlite3');
    writeFileSync(
      join(mount.shared, 'increment.sql'),
      '.timeout 60000\n' +
        'BEGIN IMMEDIATE; UPDATE t SET n = n + 1; INSERT INTO log(who) SELECT n FROM t; COMMIT;\n'.repeat(25),
    );
    await mount.run(
      'mkdir db && sqlite3 db/a.db "CREATE TABLE t(n); INSERT INTO t VALUES(0); CREATE TABLE log(who UNIQUE);"',
    );
    await mount.run(
      `for i in 1 2 3 4; do sqlite3 db/a.db < ${mount.shared}/increment.sql & p="$p $!"; done; for i in $p; do wait $i || exit 1; done`,
      SECONDS_MAX,
    );
    const answer = await mount.run(
      'sqlite3 db/a.db "SELECT n FROM t; SELECT count(*) FROM log; PRAGMA integrity_check;"; ls -A db',
    );
    assert.deepEqual(answer.trim().split('\n'), ['100', '100', 'ok', 'a.db']);
    const sum = (await mount.run('sha256sum db/a.db')).slice(0, 64);
    assert.equal(sha256Hex((await objects.get('db/a.db')) ?? Buffer.alloc(0)), sum);
  },

  'fio: random and sequential writes, verified': async ({ mount, objects, tell }) => {
    await needProgram(mount, 'fio');
    const common =
      '--ioengine=psync --verify=crc32c --verify_fatal=1 --verify_state_save=0 --minimal --output=/tmp/fio.out';
    await mount.run(
      `mkdir fio && fio --name=random --directory=fio --rw=randwrite --bsrange=512-128k --size=48m ${common}`,
      SECONDS_MAX,
    );
    await mount.run(
      `fio --name=direct --directory=fio --rw=randrw --bs=64k --direct=1 --size=32m --numjobs=2 ${common}`,
      SECONDS_MAX,
    );
    await mount.run(
      `fio --name=durable --directory=fio --rw=write --bs=4k --fsync=1 --size=1m ${common}`,
      SECONDS_MAX,
    );
    await mount.run('echo 3 > /proc/sys/vm/drop_caches');
    const sums = await mount.run(
      'cd fio && sha256sum random.0.0 direct.0.0 direct.1.0 durable.0.0',
      SECONDS_MAX,
    );
    for (const line of sums.trim().split('\n')) {
      const body = (await objects.get(`fio/${line.slice(66)}`)) ?? Buffer.alloc(0);
      assert.equal(sha256Hex(body), line.slice(0, 64), `${line.slice(66)} of ${body.length} bytes`);
    }
    tell(`fio: ${sums.trim().split('\n').length} files the same by both doors`);
  },

  'a compile, and what was compiled runs': async ({ mount, objects }) => {
    const files: Readonly<Record<string, string>> = {
      Makefile:
        'OBJECTS = main.o add.o\nprogram: $(OBJECTS)\n\tcc -o $@ $(OBJECTS)\n%.o: %.c add.h\n\tcc -O1 -c -o $@ $<\n',
      'add.h': 'int add(int, int);\n',
      'add.c': '#include "add.h"\nint add(int a, int b) { return a + b; }\n',
      'main.c':
        '#include <stdio.h>\n#include "add.h"\nint main(void) { printf("%d\\n", add(40, 2)); return 0; }\n',
    };
    for (const [name, text] of Object.entries(files)) await objects.put(`compile/${name}`, text);
    assert.match(await mount.run('cd compile && make && ./program', SECONDS_MAX), /\n42\n$/);
    assert.match(await mount.run('cd compile && make'), /up to date/);
    await objects.put('compile/add.c', '#include "add.h"\nint add(int a, int b) { return a + b + 1; }\n');
    // The client looks at a file's time again when it opens it, or some seconds later.
    const rebuilt = await mount.run('cd compile && cat add.c > /dev/null && make && ./program', SECONDS_MAX);
    assert.match(rebuilt, /\n43\n$/);
  },

  'rm -rf: nothing is left, by either door': async ({ mount, objects, tell }) => {
    const took = await mount.run(
      `s=$(date +%s.%N); rm -rf copy unpacked archive.tar synced cloned db fio compile && e=$(date +%s.%N) && echo "$e $s" && find . -mindepth 1`,
      SECONDS_MAX,
    );
    const [times = '', ...left] = took.trim().split('\n');
    const [end = 0, start = 0] = times.split(' ').map(Number);
    tell(`rm -rf of it all: ${(end - start).toFixed(1)} s`);
    assert.deepEqual(left, []);
    assert.deepEqual(await objects.list(), []);
  },
};
