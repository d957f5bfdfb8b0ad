/**
 * MinIO on one drive. A PUT's file (xl.meta, and that of a large object's bytes) is synced before it is renamed to its
 * place; the rename is not, nor is a DELETE. Its own MINIO_FS_OSYNC has the whole machine sync at each PUT.
 */

import { join } from 'node:path';
import { goServer } from './goServer.ts';
import { CREDENTIALS, HOST, type Setup } from './server.ts';

const PROGRAM = {
  name: 'minio',
  module: 'github.com/minio/minio',
  version: 'v0.0.0-20260212201848-7aac2a2c5b7c',
};

export function minio(): Setup[] {
  return goServer({
    program: PROGRAM,
    command: ({ folder, data, port, otherPort }) => ({
      words: [
        ...['server', '--quiet', '--certs-dir', join(folder, 'certificates')],
        ...['--address', `${HOST}:${port}`, '--console-address', `${HOST}:${otherPort}`, data],
      ],
      env: {
        MINIO_ROOT_USER: CREDENTIALS.accessKeyId,
        MINIO_ROOT_PASSWORD: CREDENTIALS.secretAccessKey,
        MINIO_BROWSER: 'off',
        MINIO_UPDATE: 'off',
      },
    }),
    synchronous: {
      what: 'D',
      name: 'MinIO, names synced',
      how: 'its own fdatasync, and chattr +D for names',
    },
    asItComes: {
      name: 'MinIO',
      how: 'as it comes: fdatasync of files, not of names',
      durability: 'the bytes',
    },
  });
}
