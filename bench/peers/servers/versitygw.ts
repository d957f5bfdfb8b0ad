/** The Versity S3 gateway on its POSIX back end. It syncs nothing by itself, and has no option to. */

import { goServer } from './goServer.ts';
import { CREDENTIALS, HOST, type Setup } from './server.ts';

const PROGRAM = {
  name: 'versitygw',
  module: 'github.com/versity/versitygw',
  command: 'cmd/versitygw',
  version: 'v1.8.0',
};

export function versitygw(): Setup[] {
  return goServer({
    program: PROGRAM,
    command: ({ data, port }) => ({
      words: ['--quiet', '--keep-alive', '--port', `${HOST}:${port}`, 'posix', data],
      env: {
        ROOT_ACCESS_KEY: CREDENTIALS.accessKeyId,
        ROOT_SECRET_KEY: CREDENTIALS.secretAccessKey,
      },
    }),
    synchronous: { what: 'SD', name: 'versitygw, synced', how: 'chattr +S +D' },
    asItComes: { name: 'versitygw', how: 'as it comes', durability: 'nothing' },
  });
}
