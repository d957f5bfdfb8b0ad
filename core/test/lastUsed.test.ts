import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LastUsed } from '../src/lastUsed.ts';

describe('a map of what was used last', () => {
  it('keeps what is asked for again and again, whatever else comes by', () => {
    const map = new LastUsed<number, string>(100);
    for (let hot = 0; hot < 20; hot += 1) map.set(hot, `hot ${hot}`);
    for (let passing = 1000; passing < 5000; passing += 1) {
      map.set(passing, 'passing');
      const hot = passing % 20;
      expect(map.get(hot)).toBe(`hot ${hot}`);
    }
  });

  it('never forgets more than a part at once', () => {
    const map = new LastUsed<number, number>(100);
    for (let key = 0; key < 1000; key += 1) {
      map.set(key, key);
      for (let back = 0; back < Math.min(key, 40); back += 1) expect(map.get(key - back)).toBe(key - back);
    }
  });

  it('has the last value of a key or none, and never more entries than its bound', () => {
    const key = fc.integer({ min: 0, max: 30 });
    const step = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), key, value: fc.integer() }),
      fc.record({ kind: fc.constantFrom('get' as const, 'delete' as const), key }),
      fc.record({ kind: fc.constant('clear' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const map = new LastUsed<number, number>(10);
        const model = new Map<number, number>();
        for (const one of steps) {
          if (one.kind === 'set') {
            map.set(one.key, one.value);
            model.set(one.key, one.value);
          } else if (one.kind === 'get') {
            expect([undefined, model.get(one.key)]).toContain(map.get(one.key));
          } else if (one.kind === 'delete') {
            map.delete(one.key);
            model.delete(one.key);
          } else {
            map.clear();
            model.clear();
          }
        }
        const found = Array.from({ length: 31 }, (_, at) => at).filter((at) => map.get(at) !== undefined);
        expect(found.length).toBeLessThanOrEqual(10);
      }),
    );
  });
});
