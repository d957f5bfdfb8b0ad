import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Bytes,
  type Engine,
  EngineError,
  KEY_BYTES_MAX,
  type KeyRange,
  keyAfter,
  prefixEnd,
  type WriteTx,
} from '../src/index.ts';
import { randomSuite } from './randomSuite.ts';
import { serialisableSuite } from './serialisableSuite.ts';
import { bytes, everything, get, hex, increment, keyStrings, keysOf, readRange, write } from './shorthand.ts';

/** What every engine owes its callers. `open` gives an empty engine; the suite closes it. */
export function engineSuite(name: string, open: () => Promise<Engine>): void {
  describe(`${name} keeps the engine contract`, () => {
    let engine: Engine;
    beforeEach(async () => {
      engine = await open();
    });
    afterEach(() => engine.close());

    describe('keys and values', () => {
      it('orders keys as unsigned bytes, a prefix before what it begins', async () => {
        const ordered = ['00', '0000', '0001', '01', '7f', '80', '80ff', 'ff', 'ff00', 'ffff'];
        await write(
          engine,
          ordered.toReversed().map((key) => [hex(key), bytes('v')]),
        );
        expect(keysOf(await readRange(engine, everything))).toEqual(ordered);
        expect(keysOf(await readRange(engine, { ...everything, reverse: true }))).toEqual(
          ordered.toReversed(),
        );
      });

      it('holds any bytes, empty values, the longest key and values of many pages', async () => {
        const longest = Buffer.alloc(KEY_BYTES_MAX, 0xfe);
        const big = Buffer.alloc(3 << 20, 'abc');
        await write(engine, [
          [longest, bytes('long key')],
          [hex('00'), Buffer.alloc(0)],
          [hex('05ff00'), big],
        ]);
        expect(await get(engine, longest)).toEqual(bytes('long key'));
        expect(await get(engine, hex('00'))).toEqual(Buffer.alloc(0));
        expect(big.equals((await get(engine, hex('05ff00'))) ?? bytes(''))).toBe(true);
        expect(keysOf(await readRange(engine, everything))).toEqual([
          '00',
          '05ff00',
          longest.toString('hex'),
        ]);
      });

      it.each([0, KEY_BYTES_MAX + 1])('refuses a key of %i bytes and writes nothing', async (length) => {
        const key = Buffer.alloc(length, 1);
        for (const change of [(tx: WriteTx) => tx.put(key, bytes('v')), (tx: WriteTx) => tx.delete(key)]) {
          const refused = engine.write(function* (tx) {
            tx.put(bytes('before'), bytes('v'));
            change(tx);
            return yield* tx.get(bytes('before'));
          });
          await expect(refused).rejects.toThrow(RangeError);
        }
        await expect(get(engine, key)).rejects.toThrow(RangeError);
        expect(await readRange(engine, everything)).toEqual([]);
      });

      it('hands out buffers that later reads do not change', async () => {
        const keys = Array.from({ length: 50 }, (_, at) => Buffer.from([at + 1]));
        const value = (at: number) => Buffer.alloc(at * 40 + 1, at);
        await write(
          engine,
          keys.map((key, at) => [key, value(at)]),
        );
        const kept = await engine.read(function* (tx) {
          const found: (Bytes | undefined)[] = [];
          for (const key of keys) found.push(yield* tx.get(key));
          const entries = yield* tx.range(everything);
          return [...found, ...entries.map((entry) => entry.value)];
        });
        await write(
          engine,
          keys.map((key) => [key, Buffer.alloc(100, 0xee)]),
        );
        await readRange(engine, everything);
        const expected = keys.map((_, at) => value(at));
        expect(kept.map((found) => Buffer.from(found ?? []))).toEqual([...expected, ...expected]);
      });
    });

    describe('ranges', () => {
      const keys = ['10', '20', '2000', '30', '3040', '40'];
      beforeEach(() =>
        write(
          engine,
          keys.map((key) => [hex(key), hex(key)]),
        ),
      );

      it.each<[string, Partial<KeyRange>, string[]]>([
        ['start is in, end is out', { start: hex('20'), end: hex('40') }, ['20', '2000', '30', '3040']],
        ['bounds need not exist', { start: hex('11'), end: hex('31') }, ['20', '2000', '30', '3040']],
        ['the limit counts', { limit: 2 }, ['10', '20']],
        ['a limit of none', { limit: 0 }, []],
        ['reversed', { start: hex('20'), end: hex('40'), reverse: true }, ['3040', '30', '2000', '20']],
        [
          'reversed, bounds that do not exist',
          { start: hex('11'), end: hex('3050'), reverse: true, limit: 3 },
          ['3040', '30', '2000'],
        ],
        ['reversed past the last key', { start: hex('41'), end: hex('ff'), reverse: true }, []],
        ['reversed before the first key', { start: hex('01'), end: hex('10'), reverse: true }, []],
        ['empty: start is end', { start: hex('20'), end: hex('20') }, []],
        ['empty: start is past end', { start: hex('30'), end: hex('20') }, []],
        ['an empty start is the beginning', { start: hex(''), end: hex('20') }, ['10']],
        [
          'an empty start is the beginning, reversed',
          { start: hex(''), end: hex('20'), reverse: true },
          ['10'],
        ],
        ['an empty end is nothing', { start: hex('10'), end: hex('') }, []],
        ['after a key', { start: keyAfter(hex('20')), end: prefixEnd(hex('20')) }, ['2000']],
      ])('%s', async (_, range, expected) => {
        expect(keysOf(await readRange(engine, { ...everything, ...range }))).toEqual(expected);
      });

      it('takes a bound one byte longer than a key may be', async () => {
        const [low, high] = [Buffer.alloc(KEY_BYTES_MAX, 0x50), Buffer.alloc(KEY_BYTES_MAX, 0x51)];
        await write(engine, [
          [low, bytes('low')],
          [high, bytes('high')],
        ]);
        for (const reverse of [false, true]) {
          const between = { start: keyAfter(low), end: keyAfter(high), limit: 10, reverse };
          expect(keysOf(await readRange(engine, between))).toEqual([high.toString('hex')]);
        }
      });
    });

    describe('an operation reads its own writes', () => {
      it('in gets and in ranges both ways, deletes hidden, the limit exact', async () => {
        await write(
          engine,
          ['10', '20', '30', '40', '50'].map((key) => [hex(key), bytes('old')]),
        );
        const seen = await engine.write(function* (tx) {
          tx.delete(hex('10'));
          tx.put(hex('20'), bytes('new'));
          tx.put(hex('25'), bytes('new'));
          tx.delete(hex('40'));
          tx.put(hex('45'), bytes('gone again'));
          tx.delete(hex('45'));
          return {
            gets: yield* tx.getMany([hex('10'), hex('20'), hex('25'), hex('30'), hex('45')]),
            forward: yield* tx.range({ ...everything, limit: 4 }),
            forwardShort: yield* tx.range({ ...everything, limit: 1 }),
            backward: yield* tx.range({ ...everything, limit: 3, reverse: true }),
            within: yield* tx.range({ ...everything, start: hex('40'), end: hex('50') }),
          };
        });
        expect(seen.gets).toEqual([undefined, bytes('new'), bytes('new'), bytes('old'), undefined]);
        expect(keysOf(seen.forward)).toEqual(['20', '25', '30', '50']);
        expect(seen.forward.map(({ value }) => String(value))).toEqual(['new', 'new', 'old', 'old']);
        expect(keysOf(seen.forwardShort)).toEqual(['20']);
        expect(keysOf(seen.backward)).toEqual(['50', '30', '25']);
        expect(seen.within).toEqual([]);
        expect(keysOf(await readRange(engine, everything))).toEqual(['20', '25', '30', '50']);
      });

      it('however many there are', async () => {
        const name = (at: number) => bytes(`key ${at % 300}`);
        const seen = await engine.write(function* (tx) {
          const mine: (string | undefined)[] = [];
          for (let at = 0; at < 600; at++) {
            if (at % 3 === 0) tx.delete(name(at));
            else tx.put(name(at), bytes(String(at)));
            const value = yield* tx.get(name(at - 1));
            mine.push(value && String(value));
          }
          return mine;
        });
        const expected = (at: number) => (at < 0 || at % 3 === 0 ? undefined : String(at));
        expect(seen).toEqual(Array.from({ length: 600 }, (_, at) => expected(at - 1)));
        const stored = await readRange(engine, everything);
        expect(stored.length).toBe(200);
        expect(stored.map(({ value }) => Number(String(value))).every((at) => at >= 300)).toBe(true);
      });

      it('keeps the last of several writes of one key', async () => {
        await engine.write(function* (tx) {
          tx.put(bytes('k'), bytes('1'));
          tx.put(bytes('k'), bytes('2'));
          tx.put(bytes('gone'), bytes('1'));
          tx.delete(bytes('gone'));
          tx.delete(bytes('back'));
          tx.put(bytes('back'), bytes('3'));
          return yield* tx.get(bytes('k'));
        });
        const found = await readRange(engine, everything);
        expect(found.map(({ key, value }) => `${key}=${value}`)).toEqual(['back=3', 'k=2']);
      });
    });

    describe('an operation applies whole or not at all', () => {
      it('leaves nothing behind when it throws, and its neighbours stand', async () => {
        const failure = new Error('on purpose');
        const outcomes = await Promise.allSettled(
          Array.from({ length: 20 }, (_, at) =>
            engine.write(function* (tx) {
              const seen = yield* tx.range(everything);
              tx.put(bytes(at % 2 === 0 ? `kept ${at}` : `lost ${at}`), bytes('v'));
              if (at % 2 === 1) throw failure;
              return keyStrings(seen);
            }),
          ),
        );
        const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
        expect(lost.map(({ reason }) => reason)).toEqual(Array(10).fill(failure));
        for (const outcome of outcomes) {
          if (outcome.status === 'fulfilled')
            expect(outcome.value.filter((key) => key.startsWith('lost'))).toEqual([]);
        }
        const kept = keyStrings(await readRange(engine, everything));
        expect(kept.length).toBe(10);
        expect(kept.every((key) => key.startsWith('kept'))).toBe(true);
      });

      it('gives a throw inside the generator a chance to clean up and to be caught', async () => {
        const seen = await engine.write(function* (tx) {
          try {
            yield* tx.get(Buffer.alloc(0));
          } catch (error) {
            tx.put(bytes('caught'), bytes('v'));
            return error;
          }
          return 'no error';
        });
        expect(seen).toBeInstanceOf(RangeError);
        expect(await get(engine, bytes('caught'))).toEqual(bytes('v'));
      });

      it('answers requests that are yielded raw', async () => {
        await write(engine, [[bytes('a'), bytes('1')]]);
        const replies = await engine.write(function* (tx) {
          tx.put(bytes('b'), bytes('2'));
          const one = yield { kind: 'get', key: bytes('b') };
          const many = yield { kind: 'getMany', keys: [bytes('a'), bytes('b'), bytes('c')] };
          const all = yield { kind: 'range', range: everything };
          return { one, many, all };
        });
        expect(replies.one).toEqual(bytes('2'));
        expect(replies.many).toEqual([bytes('1'), bytes('2'), undefined]);
        expect(replies.all).toMatchObject([{ key: bytes('a') }, { key: bytes('b') }]);
      });
    });

    serialisableSuite(() => engine);
    randomSuite(() => engine);

    it('refuses reads and writes after close, having finished those under way', async () => {
      const written = Array.from({ length: 10 }, () => engine.write((tx) => increment(tx, bytes('count'))));
      await engine.close();
      expect((await Promise.all(written)).toSorted((one, other) => one - other)).toEqual([
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
      ]);
      const refused = [get(engine, bytes('k')), engine.write((tx) => increment(tx, bytes('count')))];
      for (const outcome of await Promise.allSettled(refused)) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'Closed' } });
        expect(outcome.status === 'rejected' && outcome.reason).toBeInstanceOf(EngineError);
      }
      await engine.close();
    });
  });
}
