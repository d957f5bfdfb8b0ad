/**
 * JuiceFS's S3 gateway over files on the same disk, its metadata in SQLite. It never syncs the files that hold objects, and
 * has no option to; SQLite syncs its log at each commit where the address of the metadata says so. What it has stored may
 * be kept once more in its cache, as it comes, in the same folder.
 */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { goServer } from './goServer.ts';
import { BUCKET, CREDENTIALS, HOST, type Setup } from './server.ts';

const PROGRAM = {
  name: 'juicefs',
  module: 'github.com/juicedata/juicefs',
  version: 'v1.4.1',
  replaced: [
    'github.com/minio/minio => github.com/juicedata/minio v0.0.0-20260515071949-69a6cfc9da65',
    'github.com/hanwen/go-fuse/v2 => github.com/juicedata/go-fuse/v2 v2.1.1-0.20260610024748-b44a81936922',
    'github.com/dgrijalva/jwt-go => github.com/golang-jwt/jwt v3.2.1+incompatible',
    'github.com/vbauerster/mpb/v7 => github.com/juicedata/mpb/v7 v7.0.4-0.20231024073412-2b8d31be510b',
    'xorm.io/xorm => gitea.com/davies/xorm v1.0.8-0.20220528043536-552d84d1b34a',
    'github.com/huaweicloud/huaweicloud-sdk-go-obs => github.com/juicedata/huaweicloud-sdk-go-obs v3.22.12-0.20230228031208-386e87b5c091+incompatible',
    'github.com/urfave/cli/v2 => github.com/juicedata/cli/v2 v2.19.4-0.20230605075551-9c9c5c0dce83',
    'github.com/vmware/go-nfs-client => github.com/juicedata/go-nfs-client v0.0.0-20250220101412-d3a8c1ca64a1',
    'github.com/mattn/go-colorable => github.com/juicedata/go-colorable v0.0.0-20250208072043-a97a0c2023db',
    'github.com/cloudsoda/go-smb2 => github.com/juicedata/go-smb2 v0.0.0-20260310064141-58f27d06634e',
    'github.com/hashicorp/golang-lru/v2 => github.com/juicedata/golang-lru/v2 v2.0.8-0.20251126062551-1b321869f904',
  ],
};

/** @source github.com/mattn/go-sqlite3: without `_synchronous` a log in WAL mode is not synced at commits */
const metadataOf = (folder: string, synced: boolean): string =>
  `sqlite3://${join(folder, 'metadata.db')}?_journal=WAL${synced ? '&_synchronous=FULL' : ''}`;

export function juicefs(): Setup[] {
  return goServer({
    program: PROGRAM,
    async prepare(program, { folder, data, synced }) {
      const storage = ['--storage', 'file', '--bucket', `${data}/`, '--trash-days', '0'];
      const words = ['format', ...storage, metadataOf(folder, synced), BUCKET];
      await promisify(execFile)(program, words, { cwd: folder });
    },
    command: ({ folder, port, otherPort, synced }) => ({
      words: [
        ...['gateway', metadataOf(folder, synced), `${HOST}:${port}`],
        ...['--multi-buckets', '--keep-etag', '--no-usage-report', '--no-banner'],
        ...['--metrics', `${HOST}:${otherPort}`],
        ...['--cache-dir', join(folder, 'cache'), '--log', join(folder, 'gateway.log')],
      ],
      env: {
        MINIO_ROOT_USER: CREDENTIALS.accessKeyId,
        MINIO_ROOT_PASSWORD: CREDENTIALS.secretAccessKey,
      },
    }),
    synchronous: {
      what: 'SD',
      name: 'JuiceFS, synced',
      how: 'SQLite told to sync, and chattr +S +D for the files of objects',
    },
    asItComes: {
      name: 'JuiceFS',
      how: 'as it comes',
      durability: 'nothing',
    },
  });
}
