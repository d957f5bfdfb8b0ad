/** kill -9 of the server under a hard mount: the work goes on by itself, and what was committed is there. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Checks } from '../runner/suite.ts';
import { sha256Hex } from '../wire/sigv4.ts';
import { needProgram } from './hostProgram.ts';
import type { KernelClient } from './kernelClient.ts';
import type { Objects } from './objects.ts';
import type { TwoDoors } from './server.ts';

export interface Restart {
  readonly server: TwoDoors;
  readonly mount: KernelClient;
  readonly objects: Objects;
  tell(line: string): void;
}

const KILLS_MIN = 3;
const SECONDS_MAX = 600;
const SERVES_MS = 4_000;
const COPIED_FILES = 1_500;

/** Kills and restarts the server again and again until `work` is done. @returns how often */
async function killedUnder(server: TwoDoors, work: Promise<unknown>): Promise<number> {
  let ended = false;
  const end = work.finally(() => {
    ended = true;
  });
  end.catch(() => undefined);
  let kills = 0;
  for (;;) {
    await Promise.race([end, pause(SERVES_MS)]);
    if (ended) break;
    await server.kill();
    kills += 1;
    await server.restart();
  }
  await end;
  return kills;
}

export const restart: Checks<Restart> = {
  'fio --verify': async ({ server, mount, objects, tell }) => {
    await needProgram(mount, 'fio');
    const fio =
      'fio --ioengine=psync --verify=crc32c --verify_fatal=1 --output=/tmp/fio.out --fallocate=none';
    const work = mount.run(
      `${fio} --name=under-kill --rw=randwrite --bs=16k --size=40m --fsync=4 --loops=2`,
      SECONDS_MAX,
    );
    const kills = await killedUnder(server, work);
    assert.ok(kills >= KILLS_MIN, `the work was done after ${kills} kills: too little to tell`);
    await mount.run(
      `echo 3 > /proc/sys/vm/drop_caches; ${fio} --name=under-kill --rw=randwrite --bs=16k --size=40m --verify_only`,
      SECONDS_MAX,
    );
    const sum = (await mount.run('sha256sum under-kill.0.0')).slice(0, 64);
    assert.equal(sha256Hex((await objects.get('under-kill.0.0')) ?? Buffer.alloc(0)), sum);
    tell(`fio went on after ${kills} kills`);
  },

  'a copy of a tree, compared': async ({ server, mount, objects, tell }) => {
    const source = join(mount.shared, 'copied');
    for (let at = 0; at < COPIED_FILES; at++) {
      const folder = join(source, `d${at % 20}`);
      if (at < 20) mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `f${at}`), `file ${at}\n`.repeat(at % 2_000));
    }
    const kills = await killedUnder(server, mount.run(`cp -a ${source} copied && sync`, SECONDS_MAX));
    await mount.run(`echo 3 > /proc/sys/vm/drop_caches; diff -r ${source} copied`, SECONDS_MAX);
    assert.equal((await objects.list('copied/')).filter((key) => !key.endsWith('/')).length, COPIED_FILES);
    assert.ok(kills >= 1, 'the copy was done before the first kill: too little to tell');
    tell(`the copy went on after ${kills} kills`);
  },

  'what fsync said is there after the kill, and names are made, moved and removed once': async (world) => {
    const { server, mount, objects, tell } = world;
    const journal = join(mount.shared, 'journal');
    const stop = join(mount.shared, 'stop');
    writeFileSync(
      join(mount.shared, 'names.py'),
      [
        'import os, sys',
        `journal = os.open(${JSON.stringify(journal)}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)`,
        'os.mkdir("names")',
        'at = 0',
        // Each of these fails when a call that was done before the kill is done again after it.
        `while not os.path.exists(${JSON.stringify(stop)}):`,
        '    f = os.open(f"names/{at}", os.O_CREAT | os.O_EXCL | os.O_WRONLY)',
        '    os.write(f, b"name %d" % at); os.fsync(f); os.close(f)',
        '    os.mkdir(f"names/d{at}")',
        '    os.rename(f"names/{at}", f"names/d{at}/moved")',
        '    os.link(f"names/d{at}/moved", f"names/linked{at}")',
        '    os.symlink("x", f"names/s{at}"); os.unlink(f"names/s{at}")',
        '    if at % 2: os.unlink(f"names/d{at}/moved"); os.rmdir(f"names/d{at}")',
        '    os.write(journal, b"%d\\n" % at)',
        '    at += 1',
      ].join('\n'),
    );
    const work = mount.run(`/usr/bin/python3 ${mount.shared}/names.py`, SECONDS_MAX);
    let kills = 0;
    work.catch(() => undefined);
    while (kills < 8) {
      const before = linesOf(journal);
      const deadline = performance.now() + 120_000;
      while (linesOf(journal) < before + 20) {
        await Promise.race([pause(50), work]);
        if (performance.now() > deadline) throw new Error(`the work stands still after ${kills} kills`);
      }
      await server.kill();
      kills += 1;
      await server.restart();
      const done = linesOf(journal);
      for (let at = Math.max(0, done - 30); at < done; at++) {
        const body = (await objects.get(`names/linked${at}`))?.toString();
        assert.equal(body, `name ${at}`, `names/linked${at} after ${kills} kills`);
      }
    }
    writeFileSync(stop, '');
    await work;
    const done = linesOf(journal);
    const wanted = Array.from({ length: done }, (_, at) =>
      at % 2 ? [`names/linked${at}`] : [`names/linked${at}`, `names/d${at}/moved`],
    ).flat();
    const listed = (await objects.list('names/')).filter((key) => !key.endsWith('/'));
    assert.deepEqual(listed, wanted.sort());
    tell(`${done} rounds of names over ${kills} kills`);
  },
};

const linesOf = (path: string): number =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0;
