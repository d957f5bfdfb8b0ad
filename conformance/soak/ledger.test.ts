/** The soak can only find what its ledger does not allow. */
import { expect, test } from 'vitest';
import { bytesOf, plainVersion, sliceOf, type Version } from './bodies.ts';
import { Ledger, type LedgerEvent, type State } from './ledger.ts';
import { canLead, type Step } from './trail.ts';

const version = (tag: string): Version => plainVersion(tag, 40).version;

/** What a ledger says of a state that is found. */
function verdict(events: readonly LedgerEvent[], found: State): string {
  const ledger = new Ledger();
  for (const event of events) ledger.record(event);
  // Told again from the start, as in a guest after a cut.
  const heir = new Ledger();
  for (const event of ledger.events()) heir.replay(event);
  const [kind, again] = [ledger, heir].map((each) => each.judge('key', found).kind);
  expect(again).toBe(kind);
  return kind ?? '';
}

const attempt = (op: string, to: State, from?: string): LedgerEvent => ({
  t: 'try',
  op,
  key: 'key',
  kind: 'put',
  to,
  ...(from !== undefined && { from }),
});
const acknowledged = (op: string): LedgerEvent => ({ t: 'ok', op });

test('what was acknowledged must be there, and nothing else', () => {
  const events = [
    attempt('1', version('1')),
    acknowledged('1'),
    attempt('2', version('2')),
    acknowledged('2'),
  ];
  expect(verdict(events, version('2'))).toBe('right');
  expect(verdict(events, version('1'))).toBe('wrong');
  expect(verdict(events, version('3'))).toBe('wrong');
  expect(verdict(events, null)).toBe('wrong');
});

test('of what NFS wrote the bytes are compared, and not what only S3 tells', () => {
  const byNfs: Version = { ...version('2'), etag: '', byNfs: true };
  const events = [attempt('1', version('1')), acknowledged('1'), attempt('2', byNfs), acknowledged('2')];
  expect(verdict(events, { ...version('2'), tag: '1', etag: 'of its own' })).toBe('right');
  expect(verdict(events, version('1'))).toBe('wrong');
  expect(verdict(events, { ...version('2'), lengthBytes: 39 })).toBe('wrong');
  expect(verdict(events, null)).toBe('wrong');
});

test('changes that are made together are known until they are answered', () => {
  const events: LedgerEvent[] = [
    attempt('1', version('1')),
    acknowledged('1'),
    { t: 'try', op: '2.from', key: 'key', kind: 'rename', to: null, together: '2' },
    { t: 'try', op: '2', key: 'target', kind: 'rename', to: version('1'), together: '2' },
  ];
  const ledger = new Ledger();
  for (const event of events) ledger.record(event);
  const heir = new Ledger();
  for (const event of ledger.events()) heir.replay(event);
  const [key, target] = [
    { key: 'key', before: version('1'), after: null },
    { key: 'target', before: null, after: version('1') },
  ];
  for (const each of [ledger, heir]) expect(each.together()).toEqual([{ name: '2', changes: [key, target] }]);
  for (const op of ['2.from', '2']) ledger.record(acknowledged(op));
  expect(ledger.together()).toEqual([]);
});

test('a deletion that was acknowledged stays', () => {
  const events = [attempt('1', version('1')), acknowledged('1'), attempt('2', null), acknowledged('2')];
  expect(verdict(events, null)).toBe('right');
  expect(verdict(events, version('1'))).toBe('wrong');
});

test('a request in flight happened wholly or not at all', () => {
  const events = [attempt('1', version('1')), acknowledged('1'), attempt('2', version('2'))];
  expect(verdict(events, version('1'))).toBe('right');
  expect(verdict(events, version('2'))).toBe('right');
  expect(verdict(events, null)).toBe('wrong');
  for (const changed of [
    { tag: '1' },
    { lengthBytes: 39 },
    { sha256: version('1').sha256 },
    { etag: version('1').etag },
  ]) {
    expect(verdict(events, { ...version('2'), ...changed })).toBe('wrong');
  }
});

test('what was seen after a restart stays so', () => {
  const seen: LedgerEvent = { t: 'seen', key: 'key', state: version('1') };
  const events = [attempt('1', version('1')), acknowledged('1'), attempt('2', version('2')), seen];
  expect(verdict(events, version('1'))).toBe('right');
  expect(verdict(events, version('2'))).toBe('wrong');
});

test('a refusal changes nothing', () => {
  const events: LedgerEvent[] = [
    attempt('1', version('1'), ''),
    acknowledged('1'),
    attempt('2', version('2'), ''),
  ];
  expect(verdict([...events, { t: 'no', op: '2' }], version('1'))).toBe('right');
  expect(verdict([...events, { t: 'no', op: '2' }], version('2'))).toBe('wrong');
  expect(verdict([...events, acknowledged('2')], version('2'))).toBe('wrong');
});

const steps = (...pairs: [string, string][]): Step[] => pairs.map(([from, to]) => ({ from, to }));

test('one winner against each version', () => {
  const start = '';
  const sure = steps(['', 'a'], ['a', 'b'], ['b', ''], ['', 'c']);
  expect(canLead({ start, end: 'c', sure, open: [] })).toBe(true);
  expect(canLead({ start, end: 'b', sure, open: [] })).toBe(false);
  expect(canLead({ start, end: 'd', sure: steps(['', 'a'], ['a', 'b'], ['a', 'd']), open: [] })).toBe(false);
  expect(canLead({ start, end: 'b', sure: steps(['', 'a'], ['', 'b']), open: [] })).toBe(false);
  expect(canLead({ start: 'a', end: 'a', sure: steps(['b', 'b']), open: [] })).toBe(false);
});

test('changes that nobody answered are made where they explain something', () => {
  const open = steps(['a', 'b'], ['a', '']);
  expect(canLead({ start: 'a', end: 'c', sure: steps(['b', 'c']), open })).toBe(true);
  expect(canLead({ start: 'a', end: 'c', sure: steps(['', 'c']), open })).toBe(true);
  expect(canLead({ start: 'a', end: 'a', sure: [], open })).toBe(true);
  expect(canLead({ start: 'a', end: 'c', sure: steps(['b', 'c'], ['', 'd']), open })).toBe(false);
});

test('a slice holds the bytes that it names', () => {
  const pieces = [
    { tag: 'a', start: 3, lengthBytes: 10 },
    { tag: 'b', start: 0, lengthBytes: 5 },
    { tag: 'c', start: 7, lengthBytes: 20 },
  ];
  const whole = bytesOf(pieces);
  for (const [start, lengthBytes] of [
    [0, 35],
    [4, 3],
    [9, 8],
    [10, 5],
    [34, 1],
  ] as const) {
    const slice = bytesOf(sliceOf(pieces, { start, lengthBytes }));
    expect(slice).toEqual(whole.subarray(start, start + lengthBytes));
  }
});
