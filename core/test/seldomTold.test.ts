import { expect, it } from 'vitest';
import { SeldomTold } from '../src/seldomTold.ts';

function told({ thingsMax }: { readonly thingsMax: number }) {
  const clock = { ms: 5_000 };
  return { clock, seldom: new SeldomTold({ everyMs: 100, thingsMax, now: () => clock.ms }) };
}

it('a thing is told once in a while, with how often it was not', () => {
  const { clock, seldom } = told({ thingsMax: 10 });
  expect(seldom.happened('a')).toEqual({ leftOut: 0 });
  clock.ms += 99;
  expect(seldom.happened('a')).toBeUndefined();
  expect(seldom.happened('b')).toEqual({ leftOut: 0 });
  expect(seldom.happened('a')).toBeUndefined();
  clock.ms += 1;
  expect(seldom.happened('a')).toEqual({ leftOut: 2 });
  expect(seldom.happened('a')).toBeUndefined();
  clock.ms += 100;
  expect(seldom.happened('a')).toEqual({ leftOut: 1 });
});

it('a clock that is set back keeps nothing quiet', () => {
  const { clock, seldom } = told({ thingsMax: 10 });
  seldom.happened('a');
  clock.ms = 0;
  expect(seldom.happened('a')).toEqual({ leftOut: 0 });
});

it('of more things than there is memory for, the first is forgotten', () => {
  const { seldom } = told({ thingsMax: 4 });
  for (const thing of ['a', 'b', 'c', 'd', 'e']) seldom.happened(thing);
  expect(seldom.happened('e')).toBeUndefined();
  expect(seldom.happened('a')).toEqual({ leftOut: 0 });
});
