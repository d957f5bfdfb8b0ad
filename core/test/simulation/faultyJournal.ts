/** Journals that leave something out: that must be noticed. */

import type { ByteJournal, Disk } from '@facet/extents';
import { type Journal, type JournalDisk, RECORD } from '@facet/journal';

export type JournalKind = 'whole' | 'unsynced' | 'without bytes' | 'not replayed';

/** Forgets the journal's sync. */
export function unsynced(disk: Disk): JournalDisk {
  return {
    create: (name) => disk.create(name, 'buffered'),
    open: (name) => disk.open(name, 'buffered'),
    status: (name) => disk.status(name),
    syncDirectory: (name) => disk.syncDirectory(name),
    memory: (bytes) => disk.memory(bytes),
  };
}

const OMITTED = {
  whole: undefined,
  unsynced: undefined,
  'not replayed': undefined,
  'without bytes': RECORD.bytes,
} as const satisfies Record<JournalKind, number | undefined>;

export function leavingOut(journal: Journal, kind: JournalKind): ByteJournal {
  return {
    add: (record) => {
      if (record.kind !== OMITTED[kind]) journal.add(record);
    },
    attach: (settle) => journal.attach(settle),
    get usedBytes() {
      return journal.usedBytes;
    },
  };
}

/** Forgets what is in it. */
export function unread(journal: Journal): Journal {
  return Object.assign(journal, { replay: async function* (): AsyncGenerator<never> {} });
}
