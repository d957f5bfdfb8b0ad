import { expect, it } from 'vitest';
import { type Document, joined, type Line, Results, type SetupFacts } from '../results.ts';
import type { Durability } from '../servers/server.ts';
import { chartOf } from './chart.ts';
import { markdownOf } from './markdown.ts';
import { figure } from './table.ts';

const setup = (name: string, durability: Durability): SetupFacts => ({
  ...{ name, durability, version: 'v1', how: 'by itself', renames: 'RENAME' },
  disk: { '4 KiB': { objects: 4096, bytesPerByte: 1.5 } },
});

const line = (setup: string, operationsPerSecond: number, scaled = false): Line => ({
  ...{ setup, row: 'PUT 4 KiB', connections: 16, rounds: 1, operations: 1234, operationsPerSecond, scaled },
  range: [operationsPerSecond, operationsPerSecond],
  ...{ megabytesPerSecond: 1, p50Ms: 1, p99Ms: Number.NaN, cpuMicrosPerOperation: 1, peakMegabytes: 1 },
  ...{ clientBusy: 0.5, flushesPerOperation: 1 },
});

const DOCUMENT: Document = {
  ...{
    date: '2026-11-29',
    machine: '<a machine>',
    clients: ['a client'],
    asked: ['4 KiB', 'NFS', 'a program'],
    unavailable: [{ program: 'a program', why: 'a program, and why' }],
    skipped: ['one, and why'],
    failed: [],
  },
  setups: [setup('Facet', 'everything'), setup('synced', 'everything'), setup('loose', 'nothing')],
  lines: [line('Facet', 600), line('synced', 100), line('loose', 1200, true)],
};

it('puts rows that were measured again in their places', () => {
  const setupsAgain = DOCUMENT.setups.slice(0, 1);
  const again = { ...DOCUMENT, setups: setupsAgain, asked: ['4 KiB'], unavailable: [], skipped: ['another'] };
  const once = { ...line('Facet', 100), row: 'GET 4 KiB' };
  const both = joined(DOCUMENT, { ...again, lines: [{ ...line('Facet', 700), rounds: 3 }, once] });
  expect(both.lines.map((one) => [one.setup, one.row, one.operationsPerSecond, one.rounds])).toEqual([
    ['Facet', 'PUT 4 KiB', 700, 3],
    ['synced', 'PUT 4 KiB', 100, 1],
    ['loose', 'PUT 4 KiB', 1200, 1],
    ['Facet', 'GET 4 KiB', 100, 1],
  ]);
  expect(both.setups).toEqual(DOCUMENT.setups);
  expect([both.unavailable, both.skipped]).toEqual([DOCUMENT.unavailable, ['one, and why', 'another']]);
  const setups = [{ ...setup('Facet', 'everything'), version: 'v2' }];
  expect(() => joined(DOCUMENT, { ...again, setups })).toThrow('other versions');
  expect(() => joined(DOCUMENT, { ...again, machine: 'another' })).toThrow('another machine');
});

it('keeps what failed but was not measured again, and a program that was not asked for again', () => {
  const failure = (group: string, setup?: string) => ({
    ...{ round: 1, group, why: 'and why' },
    ...(setup === undefined ? {} : { setup }),
  });
  const earlier = {
    ...DOCUMENT,
    failed: [
      failure('4 KiB', 'Facet'),
      failure('4 KiB', 'synced'),
      failure('NFS'),
      failure('64 MiB', 'Facet'),
    ],
  };
  const again = { ...DOCUMENT, setups: DOCUMENT.setups.slice(0, 1), unavailable: [], lines: [] };
  const both = joined(earlier, { ...again, failed: [failure('4 KiB', 'Facet')] });
  expect(both.failed).toEqual([
    failure('4 KiB', 'synced'),
    failure('64 MiB', 'Facet'),
    failure('4 KiB', 'Facet'),
  ]);
  expect(both.unavailable).toEqual([]);
  expect(markdownOf(both)).toContain('- round 1, 4 KiB, synced: and why');
});

it('tells the servers that may lose what they answered apart', () => {
  const [durable = '', others = ''] = markdownOf(DOCUMENT).split('## ').slice(1);
  expect(durable).toContain('| PUT 4 KiB, ×16 | Facet | 600 | 1,234 |');
  expect(durable).toMatch(/\| synced \| 100 \|.*\| 50 % \| 1 \| 6\.00× \|/);
  expect(durable).not.toContain('loose');
  expect(others).toMatch(/\| loose \| ≈ 1,200 \|.*\| 0\.50× \|/);
  expect(others).not.toContain('synced |');
  expect(markdownOf(DOCUMENT)).toContain('## Left out\n\n- a program, and why\n- one, and why');
});

it('says of how many objects the use of the disk is', () => {
  expect(markdownOf(DOCUMENT)).toMatch(/\| server \|.*\| bytes on the disk for a byte put \| version \|/);
  expect(markdownOf(DOCUMENT)).toContain('| 1.50 (4,096 × 4 KiB) | v1 |');
});

it('is of all rounds: the sum of operations, the middle of the rest', () => {
  const results = new Results();
  const sink = results.sinkOf(setup('Facet', 'everything'));
  const times = { bytesPerSecond: 1e6, p50: 1, p99: 2, cpuMicrosPerOperation: 1, peakAnonymousBytes: 1e6 };
  for (const operations of [10, 40, 30]) {
    const cell = {
      ...times,
      operations,
      operationsPerSecond: operations,
      clientBusy: 0.5,
      flushesPerOperation: 1,
    };
    sink.cell({ ...cell, row: 'PUT 4 KiB', connections: 1 });
    sink.disk('4 KiB', { objects: 4096, bytesPerByte: operations / 10 });
  }
  const { lines, setups } = results.document(DOCUMENT, [setup('Facet', 'everything')]);
  expect(lines).toMatchObject([{ operations: 80, operationsPerSecond: 30, rounds: 3 }]);
  expect(setups[0]?.disk).toEqual({ '4 KiB': { objects: 4096, bytesPerByte: 3 } });
});

it('draws a bar a server, the best one the longest, and escapes what it writes', () => {
  const chart = chartOf(DOCUMENT);
  const width = (kind: string) =>
    Number(new RegExp(`class="${kind}" [^>]*width="([\\d.]+)"`).exec(chart)?.[1]);
  expect(width('other')).toBeCloseTo(2 * width('facet'), 0);
  expect(width('facet')).toBeCloseTo(6 * width('durable'), 0);
  expect(chart).toContain('&lt;a machine>');
});

it.each([
  [12_345.6, '12,346'],
  [99.94, '99.9'],
  [1.234, '1.23'],
  [0.01234, '0.012'],
  [Number.NaN, '-'],
])('%d is %s', (value, text) => {
  expect(figure(value)).toBe(text);
});
