/** peers.md: the results for readers, the equally durable servers first, the others apart. */

import type { Document, Line, SetupFacts } from '../results.ts';
import { columnsOf, DISK, diskOf, failuresOf, figure, leftOutOf, rowsOf } from './table.ts';

export function markdownOf(document: Document): string {
  const { setups, clients } = document;
  const [leftOut, failed] = [leftOutOf(document), failuresOf(document)];
  return [
    '# Facet and others on one disk',
    `![Operations a second, a panel a row](peers.svg)`,
    `${document.date}, ${document.machine}; client: ${clients.join(' and ')}, on the same cores. Written by \`npm run bench:peers\`; all figures are in [peers.json](peers.json).`,
    'Each figure is the middle of the rounds, in which servers took turns, each started on an empty folder and warmed up. CPU time and memory (anonymous and shared, not the page cache) are those of all processes of the server. `×N` are connections, each with one request under way. "Facet is" compares operations a second. `operations` are those of all rounds together. ≈: the time of a part was measured, and that of the rest reckoned.',
    'Client busy is what of the time the client was computing, on its one thread: near 100 % it is the client that was measured, and a faster server would look no faster.',
    'By NFS the client is a kernel in a virtual machine, whose time is not measured; latency is that of a file, from opening to closing. A list counts entries, of a directory read as a whole, so it has none.',
    'What `chattr +D` has the file system do differs: with a journal it waits for a commit and a flush of the disk; ext4 without one writes the names and does not flush, which asks less of that server than Facet does. The flushes of each row are in peers.json.',
    'Bytes on the disk for a byte put are of so many objects as the brackets say, put into an empty folder; room that a server keeps in advance is included, and weighs the more, the less was put.',
    'What the figures cannot show: a network, a cold page cache, more cores, a disk slower than this one.',
    table(setups.map(factsOf)),
    ...part('What is answered is on stable storage', 'everything', document),
    ...part('What is answered may be lost when power fails', undefined, document),
    ...(leftOut.length > 0 ? ['## Left out', bullets(leftOut)] : []),
    ...(failed.length > 0 ? ['## Failed', bullets(failed)] : []),
  ]
    .join('\n\n')
    .concat('\n');
}

const factsOf = (facts: SetupFacts): Record<string, string> => ({
  server: facts.name,
  'on stable storage when a PUT is answered': `${facts.durability}: ${facts.how}`,
  'a directory is renamed by': facts.renames,
  [DISK]: diskOf(facts),
  version: facts.version,
});

/** Facet leads each row; of the others those that are as durable, or (undefined) those that are not. */
function part(title: string, durability: 'everything' | undefined, document: Document): string[] {
  const durable = new Set(
    document.setups.filter((one) => one.durability === 'everything').map(({ name }) => name),
  );
  const belongs = ({ setup }: Line) => setup === 'Facet' || durable.has(setup) === (durability !== undefined);
  const lines = rowsOf(document).flatMap(({ row, connections, lines: all }) => {
    const pace = all.find(({ setup }) => setup === 'Facet')?.operationsPerSecond;
    return all.filter(belongs).map((line, at) => ({
      row: at === 0 ? `${row}, ×${connections}` : '',
      server: line.setup,
      ...columnsOf(line),
      'Facet is':
        line.setup === 'Facet' || pace === undefined ? '' : `${figure(pace / line.operationsPerSecond)}×`,
    }));
  });
  return lines.some(({ server }) => server !== 'Facet') ? [`## ${title}`, table(lines)] : [];
}

function table(lines: readonly Readonly<Record<string, string>>[]): string {
  const columns = Object.keys(lines[0] ?? {});
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    row(columns),
    row(columns.map(() => '---')),
    ...lines.map((line) => row(columns.map((column) => line[column] ?? ''))),
  ].join('\n');
}

const bullets = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');
