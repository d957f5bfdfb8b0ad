/** What is brought back of a backup is of one moment, or the soak says what can not be. */
import { expect, test } from 'vitest';
import { plainVersion, type Version } from './bodies.ts';
import { type Found, Ledger, type LedgerEvent, type State } from './ledger.ts';
import { Span } from './span.ts';

const version = (tag: string): Version => plainVersion(tag, 40).version;

const attempt = (op: string, key: string, to: State, more: object = {}): LedgerEvent => ({
  t: 'try',
  op,
  key,
  kind: 'put',
  to,
  ...more,
});
const acknowledged = (op: string): LedgerEvent => ({ t: 'ok', op });
const refused = (op: string): LedgerEvent => ({ t: 'no', op });
const made = (op: string, key: string, to: State = version(op)): LedgerEvent[] => [
  attempt(op, key, to),
  acknowledged(op),
];

/** @returns the keys of what can not be */
function wrong(
  { before, during }: { readonly before: readonly LedgerEvent[]; readonly during: readonly LedgerEvent[] },
  found: Readonly<Record<string, Found>>,
): string[] {
  let span: Span | undefined;
  const ledger = new Ledger((event) => span?.add(event));
  for (const event of before) ledger.record(event);
  span = new Span(ledger);
  for (const event of during) ledger.record(event);
  return span.faults(new Map(Object.entries(found))).map((fault) => fault.replace(/(?: \(|:).*/, ''));
}

test('what was acknowledged before and not changed since is there, and nothing else', () => {
  const span = { before: [...made('1', 'a'), ...made('2', 'a'), ...made('3', 'b')], during: made('4', 'b') };
  expect(wrong(span, { a: version('2'), b: version('3') })).toEqual([]);
  for (const found of [null, version('1'), version('3'), { ...version('2'), sha256: version('1').sha256 }])
    expect(wrong(span, { a: found, b: version('3') })).toEqual(['a']);
});

test('what changed meanwhile is there as it was before, after, or in between', () => {
  const span = {
    before: made('1', 'a'),
    during: [...made('2', 'a'), ...made('3', 'a', null), attempt('4', 'a', version('4'))],
  };
  for (const found of [version('1'), version('2'), null, version('4')])
    expect(wrong(span, { a: found })).toEqual([]);
  expect(wrong(span, { a: version('5') })).toEqual(['a']);
});

test('what nobody had asked for before the end is not there', () => {
  expect(wrong({ before: [], during: made('1', 'a') }, { a: version('1'), b: null })).toEqual([]);
  expect(wrong({ before: [], during: made('1', 'a') }, { a: version('1'), b: version('2') })).toEqual(['b']);
});

test('all of it was there at one moment', () => {
  const span = {
    before: [...made('1', 'a'), ...made('2', 'b')],
    during: [...made('3', 'a'), ...made('4', 'b')],
  };
  expect(wrong(span, { a: version('1'), b: version('2') })).toEqual([]);
  expect(wrong(span, { a: version('3'), b: version('2') })).toEqual([]);
  expect(wrong(span, { a: version('3'), b: version('4') })).toEqual([]);
  expect(wrong(span, { a: version('1'), b: version('4') })).toEqual(['b']);
});

test('of two changes at once either may be there without the other', () => {
  const during = [attempt('3', 'a', version('3')), attempt('4', 'b', version('4'))];
  const span = { before: [...made('1', 'a'), ...made('2', 'b')], during };
  for (const a of [version('1'), version('3')])
    for (const b of [version('2'), version('4')]) expect(wrong(span, { a, b })).toEqual([]);
});

test('a change of two keys is there wholly or not at all', () => {
  const together = { together: '3' };
  const asked = [attempt('3.from', 'a', null, together), attempt('3', 'b', version('1'), together)];
  const before = [...made('1', 'a'), ...made('2', 'b')];
  for (const during of [asked, [...asked, acknowledged('3.from'), acknowledged('3')]]) {
    expect(wrong({ before, during }, { a: version('1'), b: version('2') })).toEqual([]);
    expect(wrong({ before, during }, { a: null, b: version('1') })).toEqual([]);
    expect(wrong({ before, during }, { a: null, b: version('2') })).not.toEqual([]);
    expect(wrong({ before, during }, { a: version('1'), b: version('1') })).not.toEqual([]);
  }
});

test('what was refused is never there, also if it was asked for before', () => {
  const asked = attempt('2', 'a', version('2'), { from: version('1').etag });
  const before = made('1', 'a');
  for (const span of [
    { before: [...before, asked], during: [refused('2')] },
    { before, during: [asked, refused('2')] },
  ]) {
    expect(wrong(span, { a: version('1') })).toEqual([]);
    expect(wrong(span, { a: version('2') })).toEqual(['a']);
  }
});

test('an upload is looked for that was under way all the time, with the parts that were there at first', () => {
  const part = (upload: string, partNumber: number): LedgerEvent => ({
    t: 'part',
    upload,
    partNumber,
    pieces: [],
    lengthBytes: 0,
    etag: 'etag',
  });
  const opened = (upload: string): LedgerEvent => ({ t: 'upload', upload, key: 'key', tag: 'tag' });
  const ledger = new Ledger((event) => span?.add(event));
  let span: Span | undefined;
  for (const event of [opened('a'), opened('b'), part('a', 1)]) ledger.record(event);
  span = new Span(ledger);
  const closing: LedgerEvent = { t: 'closing', upload: 'b', how: 'abort' };
  for (const event of [part('a', 2), opened('c'), closing]) ledger.record(event);
  expect(span.uploads().map(({ upload, parts }) => [upload, [...parts.keys()]])).toEqual([['a', [1]]]);
});
