/** A server whose disk is filled to the last block: nothing acknowledged is lost, deletes work, and it ends by itself. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTwoDoors, type TwoDoors } from '../nfs/server.ts';
import { type Checks, judge, runChecks, type Suite } from '../runner/suite.ts';
import { Clients, VOLUME } from './clients.ts';
import { mountLoopDisk } from './loopDisk.ts';

const MEGABYTES = 200;

interface World {
  readonly server: TwoDoors;
  readonly clients: Clients;
  /** Of somebody else, on the same disk. */
  readonly filler: string;
  readonly logFile: string;
}

const checks: Checks<World> = {
  'filled by both doors it refuses, says that it is full, and all that it took reads back': async ({
    clients,
  }) => {
    assert.ok((await clients.fill('first')) > 20);
    assert.equal(await clients.health(), 'full');
    await clients.verify();
  },
  'half is deleted by both doors, one way and another': async ({ clients }) => {
    await clients.deleteHalf();
    await clients.verify();
  },
  'then it takes more, without a restart': async ({ clients }) => {
    await clients.recovers('again');
    await clients.verify();
  },
  'the log said so in two lines, with no stack': async ({ logFile }) => {
    const log = readFileSync(logFile, 'utf8');
    assert.equal(log.match(/the disk is full/g)?.length, 1);
    assert.doesNotMatch(log, /"stack"|^ +at /m);
  },
  'killed on the full disk it starts on it, and deletes': async ({ server, clients }) => {
    await clients.fill('second');
    await server.kill();
    await server.restart();
    await clients.connect();
    await clients.verify();
    await clients.fill('third');
    await clients.deleteHalf();
    await clients.recovers('after the kill');
  },
  'filled by somebody else, it goes on when he makes room': async ({ clients, filler }) => {
    assert.throws(() => writeFileSync(filler, Buffer.alloc(MEGABYTES << 20)), { code: 'ENOSPC' });
    await clients.fill('fourth');
    rmSync(filler);
    await clients.recovers('at last');
    await clients.verify();
  },
};

export const fullDiskSuite: Suite = {
  name: 'full-disk',
  run: async function* (stage) {
    const disk = await mountLoopDisk(stage.scratch, { megabytes: MEGABYTES });
    try {
      const folder = join(stage.scratch, 'full-disk-server');
      const server = await startTwoDoors(folder, join(disk.path, 'data'));
      await server.addVolume(VOLUME);
      const clients = new Clients(server);
      await clients.connect();
      const logFile = join(folder, 'server.log');
      yield* runChecks(checks, { server, clients, filler: join(disk.path, 'filler'), logFile });
      clients.close();
      const verdict = await judge(() => server.stopAndProve());
      yield { check: 'the server ends well, and metadata and data agree', verdict, seconds: 0 };
    } finally {
      await disk.unmount();
    }
  },
};
