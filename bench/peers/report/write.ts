/** All that is kept of a run: figures, tables and chart. */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Document } from '../results.ts';
import { chartOf } from './chart.ts';
import { markdownOf } from './markdown.ts';

export async function writeReport(folder: string, document: Document): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'peers.json'), `${JSON.stringify(document, undefined, 2)}\n`);
  await writeFile(join(folder, 'peers.md'), markdownOf(document));
  await writeFile(join(folder, 'peers.svg'), chartOf(document));
}

/** What {@link writeReport} wrote. */
export async function readReport(folder: string): Promise<Document> {
  return JSON.parse(await readFile(join(folder, 'peers.json'), 'utf8'));
}
