import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { openLmdbEngine } from '../src/index.ts';
import { engineSuite } from './engineSuite.ts';
import { openJournaled } from './journalRig.ts';
import { alwaysCold } from './shorthand.ts';

let folder = '';
let opened = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-lmdb-'));
});
afterAll(() => rm(folder, { recursive: true }));

engineSuite('lmdb', () => openLmdbEngine({ path: join(folder, String(opened++)) }));
engineSuite('lmdb that reads from the disk', () =>
  openLmdbEngine({ path: join(folder, String(opened++)), cold: alwaysCold() }),
);
engineSuite('journaled lmdb', () => openJournaled({ path: join(folder, String(opened++)) }));
engineSuite('journaled lmdb that reads from the disk', () =>
  openJournaled({ path: join(folder, String(opened++)), cold: alwaysCold() }),
);
