import { expect, it } from 'vitest';
import { conclusionOf } from './conclusion.ts';

it('says what was lost, and what was not tried', () => {
  expect(conclusionOf({ faults: 0, lacking: [] })).toBe('nothing was lost');
  const lacking = ['300 of 4000 worlds were run', 'power cuts were not made'];
  expect(conclusionOf({ faults: 0, lacking })).toBe(
    'nothing was lost; 300 of 4000 worlds were run; power cuts were not made',
  );
  expect(conclusionOf({ faults: 2, lacking: lacking.slice(1) })).toBe('2 FAULTS; power cuts were not made');
});
