/**
 * SeaweedFS: master, volume server, filer (LevelDB) and S3 gateway in one process. By a rule of the filer, volumes are
 * synced in groups; the filer's own LevelDB has no such option.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathOf } from '../install.ts';
import { freePorts, startChild, synchronous } from './child.ts';
import { BUCKET, CREDENTIALS, HOST, type Running, type Setup } from './server.ts';

const PROGRAM = {
  name: 'weed',
  module: 'github.com/seaweedfs/seaweedfs',
  command: 'weed',
  version: 'v0.0.0-20261109003541-7506e5f91cd6',
  replaced: ['github.com/tyler-smith/go-bip39 => github.com/cosmos/go-bip39 v1.0.0'],
};
const VOLUME_MIB_MAX = 1024;
const RULE_MS_MAX = 60_000;

export function seaweedfs(): Setup[] {
  const common = { program: PROGRAM, version: PROGRAM.version, renames: 'mv.from of the filer' };
  return [
    {
      ...common,
      ...{ name: 'SeaweedFS, synced', durability: 'everything' },
      how: 'a filer rule with fsync, and chattr +S +D for the filer’s LevelDB',
      start: (folder) => start({ folder, sync: true }),
    },
    {
      ...common,
      ...{ name: 'SeaweedFS', durability: 'nothing' },
      how: 'as it comes',
      start: (folder) => start({ folder, sync: false }),
    },
  ];
}

interface Start {
  readonly folder: string;
  readonly sync: boolean;
}

async function start({ folder, sync }: Start): Promise<Running> {
  const program = pathOf(PROGRAM);
  const [master = 0, masterGrpc, volume, volumeGrpc, filer = 0, filerGrpc, s3 = 0, s3Grpc] =
    await freePorts(8);
  const [data, filerStore] = [join(folder, 'data'), join(folder, 'filerldb2')];
  await mkdir(data);
  await mkdir(filerStore);
  if (sync) await synchronous(filerStore, 'SD');
  await writeFile(join(folder, 'filer.toml'), '[leveldb2]\nenabled = true\ndir = "./filerldb2"\n');
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = CREDENTIALS;
  const identity = { name: 'bench', credentials: [{ accessKey, secretKey }], actions: ['Admin'] };
  await writeFile(join(folder, 's3.json'), JSON.stringify({ identities: [identity] }));
  const child = await startChild({
    program,
    words: [
      ...['server', `-dir=${data}`, `-ip=${HOST}`, `-ip.bind=${HOST}`, '-master.telemetry=false'],
      ...[`-master.port=${master}`, `-master.port.grpc=${masterGrpc}`, '-volume.max=100'],
      ...[`-master.volumeSizeLimitMB=${VOLUME_MIB_MAX}`],
      ...[`-volume.port=${volume}`, `-volume.port.grpc=${volumeGrpc}`],
      ...['-filer', `-filer.port=${filer}`, `-filer.port.grpc=${filerGrpc}`],
      ...[`-filer.localSocket=${join(folder, 'filer.sock')}`, `-s3.localSocket=${join(folder, 's3.sock')}`],
      ...['-s3', `-s3.port=${s3}`, `-s3.port.grpc=${s3Grpc}`, `-s3.config=${join(folder, 's3.json')}`],
      '-s3.port.iceberg=0',
      '-volume.preStopSeconds=0',
    ],
    env: {},
    folder,
    port: s3,
  });
  if (sync) {
    const rule = `fs.configure -locationPrefix=/buckets/${BUCKET}/ -fsync -apply\n`;
    const servers = [`-master=${HOST}:${master}.${masterGrpc}`, `-filer=${HOST}:${filer}.${filerGrpc}`];
    await say({ program, words: ['shell', ...servers], folder }, rule);
  }
  return {
    ...child,
    endpoint: { host: HOST, port: s3 },
    async renameDirectory(from, to) {
      const within = `http://${HOST}:${filer}/buckets/${BUCKET}`;
      const answer = await fetch(`${within}/${to}?mv.from=/buckets/${BUCKET}/${from}`, { method: 'POST' });
      if (!answer.ok) throw new Error(`a rename was answered ${answer.status}: ${await answer.text()}`);
    },
  };
}

/** Has `weed shell` do one line. */
async function say(
  { program, words, folder }: { program: string; words: readonly string[]; folder: string },
  line: string,
): Promise<void> {
  const child = spawn(program, words, {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: RULE_MS_MAX,
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  child.stdin.end(line);
  await once(child, 'close');
  if (!/"fsync":\s*true/.test(said)) throw new Error(`weed shell set no rule: ${said}`);
}
