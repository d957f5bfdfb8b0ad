/**
 * MinIO on one drive. A PUT's file (xl.meta, and that of a large object's bytes) is synced before it is renamed to its
 * place; the rename is not, nor is a DELETE. Its own MINIO_FS_OSYNC has the whole machine sync at each PUT.
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { installGoProgram } from '../install.ts';
import { freePorts, startChild, synchronous } from './child.ts';
import { CREDENTIALS, HOST, type Running, type Setup } from './server.ts';

const PROGRAM = {
  name: 'minio',
  module: 'github.com/minio/minio',
  version: 'v0.0.0-20260212201848-7aac2a2c5b7c',
};

export async function minio(tell: (line: string) => void): Promise<Setup[]> {
  const program = await installGoProgram(PROGRAM, tell);
  const start = async (folder: string, sync: boolean): Promise<Running> => {
    const [port = 0, consolePort = 0] = await freePorts(2);
    const data = join(folder, 'data');
    await mkdir(data);
    if (sync) await synchronous(data, 'D');
    const child = await startChild({
      program,
      words: [
        ...['server', '--quiet', '--certs-dir', join(folder, 'certificates')],
        ...['--address', `${HOST}:${port}`, '--console-address', `${HOST}:${consolePort}`, data],
      ],
      env: {
        MINIO_ROOT_USER: CREDENTIALS.accessKeyId,
        MINIO_ROOT_PASSWORD: CREDENTIALS.secretAccessKey,
        MINIO_BROWSER: 'off',
        MINIO_UPDATE: 'off',
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
      ...{ name: 'MinIO, names synced', version, durability: 'everything', renames },
      how: 'its own fdatasync, and chattr +D for names',
      start: (folder) => start(folder, true),
    },
    {
      ...{ name: 'MinIO', version, durability: 'the bytes', renames },
      how: 'as it comes: fdatasync of files, not of names',
      start: (folder) => start(folder, false),
    },
  ];
}
