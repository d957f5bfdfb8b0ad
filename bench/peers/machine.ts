/** What the figures were measured on, in one line. */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

const JOURNALS = '/proc/fs/jbd2';

/** @param folder on the disk that is measured */
export function machineOf(folder: string): string {
  const all = cpus();
  const processor = all[0]?.model ?? 'unknown processor';
  const memory = `${(totalmem() / 2 ** 30).toFixed(1)} GiB of memory`;
  return `${processor}, ${all.length} cores, ${memory}, Linux ${release()}, ${fileSystemOf(folder)}`;
}

/** Without a journal an ext4 syncs with less work: it is told. */
function fileSystemOf(folder: string): string {
  const { stdout } = spawnSync('findmnt', ['-no', 'FSTYPE', '-T', folder], { encoding: 'utf8' });
  const type = stdout?.trim() || 'unknown file system';
  const hasJournal = existsSync(JOURNALS) && readdirSync(JOURNALS).length > 0;
  return type.startsWith('ext4') && !hasJournal ? `${type} without a journal` : type;
}
