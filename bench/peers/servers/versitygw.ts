/** The Versity S3 gateway on its POSIX back end. It syncs nothing by itself, and has no option to. */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { installGoProgram } from '../install.ts';
import { freePorts, startChild, synchronous } from './child.ts';
import { CREDENTIALS, HOST, type Running, type Setup } from './server.ts';

const PROGRAM = {
  name: 'versitygw',
  module: 'github.com/versity/versitygw',
  command: 'cmd/versitygw',
  version: 'v1.8.0',
};

export async function versitygw(tell: (line: string) => void): Promise<Setup[]> {
  const program = await installGoProgram(PROGRAM, tell);
  const start = async (folder: string, sync: boolean): Promise<Running> => {
    const [port = 0] = await freePorts(1);
    const data = join(folder, 'data');
    await mkdir(data);
    if (sync) await synchronous(data, 'SD');
    const child = await startChild({
      program,
      words: ['--quiet', '--keep-alive', '--port', `${HOST}:${port}`, 'posix', data],
      env: {
        ROOT_ACCESS_KEY: CREDENTIALS.accessKeyId,
        ROOT_SECRET_KEY: CREDENTIALS.secretAccessKey,
      },
      folder,
      port,
    });
    return { ...child, endpoint: { host: HOST, port } };
  };
  const { version } = PROGRAM;
  const renames = 'CopyObject and DELETE of each object';
  return [
    {
      ...{ name: 'versitygw, synced', version, durability: 'everything', renames },
      how: 'chattr +S +D',
      start: (folder) => start(folder, true),
    },
    {
      ...{ name: 'versitygw', version, durability: 'nothing', renames },
      how: 'as it comes',
      start: (folder) => start(folder, false),
    },
  ];
}
