/** The lock table against the naive model: random calls of a few owners on two small files. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LockGrant, LockOwner } from '../../src/locks/lockRequest.ts';
import { LockTable } from '../../src/locks/lockTable.ts';
import { LockModel, type Mode, type ModelGrant, type ModelRequest } from './lockModel.ts';

const FILES = 2;
const FILE_BYTES = 12;
/** Two owners on each of three clients; two of one client differ in nothing but `oh`. */
const OWNERS: readonly LockOwner[] = [0, 1, 2, 3, 4, 5].map((number) => ({
  client: `client ${number >> 1}`,
  address: 'here',
  svid: number < 2 ? 7 : number,
  oh: Buffer.of(number),
}));

type Call =
  | { readonly kind: 'lock' | 'wait' | 'unlock' | 'cancel' | 'test'; readonly request: ModelRequest }
  /** Takes back the grant that was made so many grants ago. */
  | { readonly kind: 'withdraw'; readonly ago: number }
  | { readonly kind: 'release'; readonly client: number }
  | { readonly kind: 'drop'; readonly file: number };

const aRequest = fc
  .record({
    file: fc.nat({ max: FILES - 1 }),
    owner: fc.nat({ max: OWNERS.length - 1 }),
    first: fc.nat({ max: FILE_BYTES - 1 }),
    length: fc.integer({ min: 1, max: FILE_BYTES }),
    mode: fc.constantFrom<Mode>('shared', 'exclusive'),
  })
  .map(({ length, ...request }) => ({ ...request, last: Math.min(request.first + length, FILE_BYTES) }));

const aCall: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'lock' as const,
        'wait' as const,
        'wait' as const,
        'unlock' as const,
        'unlock' as const,
      ),
      request: aRequest,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('cancel' as const, 'test' as const), request: aRequest }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('withdraw' as const), ago: fc.nat({ max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const), client: fc.nat({ max: 2 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('drop' as const), file: fc.nat({ max: FILES - 1 }) }),
  },
);

class Pair {
  readonly table = new LockTable<number>();
  readonly model = new LockModel(FILES, FILE_BYTES);
  readonly grants: { table: LockGrant<number>; model: ModelGrant }[] = [];
  #calls = 0;

  make(call: Call): void {
    this.#calls += 1;
    switch (call.kind) {
      case 'lock':
      case 'wait': {
        const waiter = call.kind === 'wait' ? this.#calls : undefined;
        const table = this.table.lock(asked(call.request), waiter);
        const model = this.model.lock(call.request, waiter);
        expect(table.outcome).toBe(model.outcome);
        this.#granted(table.grants, model.grants);
        break;
      }
      case 'unlock':
        this.#granted(this.table.unlock(asked(call.request)) ?? [], this.model.unlock(call.request));
        break;
      case 'cancel': {
        const table = this.table.cancel(asked(call.request));
        const model = this.model.cancel(call.request);
        expect(table.found).toBe(model.found);
        this.#granted(table.grants, model.grants);
        break;
      }
      case 'test': {
        const holder = this.table.test(asked(call.request));
        expect(holder !== undefined).toBe(this.model.conflicts(call.request));
        break;
      }
      case 'withdraw': {
        const grant = this.grants.at(-1 - call.ago);
        if (grant === undefined) break;
        this.#granted(this.table.withdraw(grant.table), this.model.withdraw(grant.model));
        break;
      }
      case 'release': {
        const owners = OWNERS.keys().filter((owner) => owner >> 1 === call.client);
        this.#granted(
          this.table.releaseClient(`client ${call.client}`),
          this.model.release(Array.from(owners)),
        );
        break;
      }
      case 'drop':
        this.table.dropFile(`${call.file}`);
        this.model.drop(call.file);
        break;
    }
    this.model.noteUse();
    this.#isSame();
  }

  #granted(table: readonly LockGrant<number>[], model: readonly ModelGrant[]): void {
    expect(table.map(({ waiter }) => waiter)).toEqual(model.map(({ waiter }) => waiter));
    table.forEach((grant, index) => {
      const other = model[index];
      if (other !== undefined) this.grants.push({ table: grant, model: other });
    });
  }

  #isSame(): void {
    let locks = 0;
    for (let file = 0; file < FILES; file += 1) {
      OWNERS.forEach((owner, number) => {
        const segments = this.table.held(`${file}`, owner);
        locks += segments.length;
        const bytes = this.model.bytes[file]?.map((holders) => holders.get(number)) ?? [];
        expect(segments.map(({ start, end, mode }) => `${mode} ${start}-${end}`).join()).toBe(runs(bytes));
      });
    }
    const waiters = this.model.waiting.reduce((sum, line) => sum + line.length, 0);
    const files = this.model.bytes.filter((bytes) => bytes.some((holders) => holders.size > 0)).length;
    expect(this.table.counts).toEqual({ locks, waiters, files });
    OWNERS.forEach(({ client }, number) => {
      if (number % 2 > 0) return;
      const isMine = (owner: number) => owner >> 1 === number >> 1;
      const busy =
        this.model.bytes.flat().some((holders) => holders.keys().some(isMine)) ||
        this.model.waiting.flat().some(({ request }) => isMine(request.owner));
      expect(this.table.isBusy(client)).toBe(busy);
    });
  }
}

/** Neighbouring bytes of one mode as one range. */
function runs(bytes: readonly (Mode | undefined)[]): string {
  const starts = bytes.flatMap((mode, byte) =>
    mode !== undefined && bytes[byte - 1] !== mode ? [byte] : [],
  );
  return starts
    .map((start) => {
      const length = bytes.slice(start).findIndex((mode) => mode !== bytes[start]);
      return `${bytes[start]} ${start}-${length < 0 ? bytes.length : start + length}`;
    })
    .join();
}

function asked({ file, owner, first, last, mode }: ModelRequest) {
  const known = OWNERS[owner];
  if (known === undefined) throw new RangeError(`owner ${owner}`);
  return { file: `${file}`, owner: known, range: { start: BigInt(first), end: BigInt(last) }, mode };
}

test('any calls give what the model gives', () => {
  fc.assert(
    fc.property(fc.array(aCall, { maxLength: 60, size: 'max' }), (calls) => {
      const pair = new Pair();
      for (const call of calls) pair.make(call);
    }),
    { numRuns: 400 },
  );
});
