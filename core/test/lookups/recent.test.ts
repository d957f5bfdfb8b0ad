import { expect, test } from 'vitest';
import { ownLookupChanges, Recent } from '../../src/lookups/recent.ts';

test('what was looked up is remembered for a second, and until something is changed', async () => {
  let nowMs = 5_000;
  let lookups = 0;
  const recent = new Recent({
    load: async (name) => {
      lookups += 1;
      return name === 'there' ? lookups : undefined;
    },
    changes: ownLookupChanges(),
    environment: { monotonicMs: () => nowMs },
  });
  expect(await recent.get('there')).toBe(1);
  nowMs += 999;
  expect(await recent.get('there')).toBe(1);
  nowMs += 1;
  expect(await recent.get('there')).toBe(2);
  recent.clear();
  expect(await recent.get('there')).toBe(3);
  expect(await recent.get('absent')).toBeUndefined();
  expect(await recent.get('absent')).toBeUndefined();
  expect(lookups).toBe(5);
});
