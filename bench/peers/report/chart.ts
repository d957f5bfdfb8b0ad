/** peers.svg: a panel a row, a bar a server, as long as its share of the row's best pace. For light and for dark. */

import type { Document, Line, SetupFacts } from '../results.ts';
import { figure, rowsOf } from './table.ts';

const PANEL = { width: 380, gap: 24, columns: 3 };
const BAR = { height: 15, gap: 4, left: 146, right: 64 };
const TITLE_HEIGHT = 26;
const HEAD_HEIGHT = 92;
const MARGIN = 20;

/** Bars are told apart by words, too: colours only help. */
const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .title { font-weight: 600; font-size: 13px; }
  .head { font-weight: 600; font-size: 18px; }
  .quiet { fill: #57606a; }
  .ground { fill: #ffffff; }
  .facet { fill: #0969da; }
  .durable { fill: #8c959f; }
  .other { fill: none; stroke: #8c959f; stroke-dasharray: 3 2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .quiet { fill: #9198a1; }
    .ground { fill: #0d1117; }
    .facet { fill: #4493f8; }
    .durable { fill: #6e7681; }
    .other { stroke: #9198a1; }
  }`;

export function chartOf(document: Document): string {
  const rows = rowsOf(document).filter(({ lines }) => lines.length > 1);
  const height = (lines: readonly Line[]) => TITLE_HEIGHT + lines.length * (BAR.height + BAR.gap) + PANEL.gap;
  const tallest = Math.max(0, ...rows.map(({ lines }) => height(lines)));
  const width = 2 * MARGIN + PANEL.columns * PANEL.width + (PANEL.columns - 1) * PANEL.gap;
  const total = HEAD_HEIGHT + Math.ceil(rows.length / PANEL.columns) * tallest + MARGIN;
  const panels = rows.map(({ row, connections, lines }, at) => {
    const x = MARGIN + (at % PANEL.columns) * (PANEL.width + PANEL.gap);
    const y = HEAD_HEIGHT + Math.floor(at / PANEL.columns) * tallest;
    return `<g transform="translate(${x} ${y})">${panel(`${row}, ×${connections}`, lines, document.setups)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${total}" width="${width}" height="${total}">`,
    `<title>Operations a second of Facet and others</title><style>${STYLE}</style>`,
    `<rect class="ground" width="${width}" height="${total}"/>`,
    text({ x: MARGIN, y: 34, kind: 'head' }, 'Operations a second: longer is better'),
    text({ x: MARGIN, y: 56, kind: 'quiet' }, `${document.date}, ${document.machine}. ×N: connections.`),
    text(
      { x: MARGIN, y: 74, kind: 'quiet' },
      'Filled: what is answered is on stable storage. Dashed: it may be lost.',
    ),
    ...panels,
    '</svg>\n',
  ].join('\n');
}

function panel(title: string, lines: readonly Line[], setups: readonly SetupFacts[]): string {
  const best = Math.max(...lines.map(({ operationsPerSecond }) => operationsPerSecond));
  const room = PANEL.width - BAR.left - BAR.right;
  const bars = lines.map((line, at) => {
    const y = TITLE_HEIGHT + at * (BAR.height + BAR.gap);
    const long = Math.max(1, (room * line.operationsPerSecond) / best);
    const durable = setups.find(({ name }) => name === line.setup)?.durability === 'everything';
    const kind = line.setup === 'Facet' ? 'facet' : durable ? 'durable' : 'other';
    const base = y + BAR.height - 3;
    return [
      text({ x: BAR.left - 8, y: base, end: true }, line.setup),
      `<rect class="${kind}" x="${BAR.left}" y="${y}" width="${long.toFixed(1)}" height="${BAR.height}" rx="2"/>`,
      text(
        { x: BAR.left + long + 6, y: base },
        `${line.scaled ? '≈ ' : ''}${figure(line.operationsPerSecond)}`,
      ),
    ].join('');
  });
  return text({ x: 0, y: 16, kind: 'title' }, title) + bars.join('');
}

function text(at: { x: number; y: number; kind?: string; end?: true }, words: string): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const kind = at.kind === undefined ? '' : ` class="${at.kind}"`;
  const anchor = at.end ? ' text-anchor="end"' : '';
  return `<text x="${at.x.toFixed(1)}" y="${at.y}"${kind}${anchor}>${escaped}</text>`;
}
