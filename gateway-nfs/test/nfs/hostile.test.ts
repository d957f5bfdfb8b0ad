/** Arguments that no client would send: refused in the protocol's terms, never a fault. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Out } from '../wire.ts';
import { startWorld, type World } from '../world.ts';
import { MOUNT, NFS, PROC } from './client.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await world.close();
});

const SUCCESS = 0;
const GARBAGE_ARGS = 4;
const SERVERFAULT = 10006;

/** Numbers at which something changes: flags, choices, lengths, counts. */
const number = fc.oneof(
  fc.integer({ min: 0, max: 8 }),
  fc.constantFrom(28, 64, 65, 255, 256, 4096, 999_999_999, 1_000_000_000, 2 ** 31, 2 ** 32 - 1),
  fc.nat({ max: 2 ** 32 - 1 }),
);
const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((value) => Buffer.from(value));
const encoded = (write: (out: Out) => Out): Buffer => write(new Out()).bytes();

const word = number.map((value) => encoded((out) => out.u32(value)));
const flagged = (value: fc.Arbitrary<Buffer>) =>
  fc.oneof(
    fc.constant(encoded((out) => out.u32(0))),
    value.map((item) => encoded((out) => out.u32(1).raw(item))),
  );
const time = fc.tuple(word, word).map((words) => Buffer.concat(words));
const newTime = fc.oneof(
  fc.constantFrom(0, 1).map((how) => encoded((out) => out.u32(how))),
  time.map((value) => encoded((out) => out.u32(2).raw(value))),
);
const long = fc.tuple(word, word).map((words) => Buffer.concat(words));
const sattr = fc
  .tuple(flagged(word), flagged(word), flagged(word), flagged(long), newTime, newTime)
  .map((items) => Buffer.concat(items));
const names = fc.constantFrom(
  'a',
  'b',
  'c',
  '.',
  '..',
  '@s3=',
  '@s3=..',
  '@s3file=a',
  `@s3long=x~${'0'.repeat(32)}`,
);
const name = fc
  .oneof({ weight: 4, arbitrary: names.map((text) => Buffer.from(text)) }, bytes(300))
  .map((value) => encoded((out) => out.opaque(value)));
const verifier = fc.constantFrom(Buffer.alloc(8), Buffer.alloc(8, 1));
const how = fc.oneof(
  fc.tuple(fc.constantFrom(0, 1), sattr).map(([kind, item]) => encoded((out) => out.u32(kind).raw(item))),
  verifier.map((value) => encoded((out) => out.u32(2).raw(value))),
);
const node = fc.oneof(
  fc
    .tuple(fc.constantFrom(3, 4), sattr, long)
    .map(([type, ...rest]) => encoded((out) => out.u32(type).raw(Buffer.concat(rest)))),
  fc.tuple(fc.constantFrom(6, 7), sattr).map(([type, item]) => encoded((out) => out.u32(type).raw(item))),
  word,
);
const data = bytes(64).map((value) => encoded((out) => out.u32(value.length, 0).opaque(value)));
const opaque = bytes(400).map((value) => encoded((out) => out.opaque(value)));

/** Stands for the handle of something that is there, mostly. */
const HANDLE = Symbol('handle');

/** What each procedure takes, by number. */
const SHAPES: readonly (readonly (fc.Arbitrary<Buffer> | typeof HANDLE)[])[] = [
  [],
  [HANDLE],
  [HANDLE, sattr, flagged(time)],
  [HANDLE, name],
  [HANDLE, word],
  [HANDLE],
  [HANDLE, long, word],
  [HANDLE, long, data],
  [HANDLE, name, how],
  [HANDLE, name, sattr],
  [HANDLE, name, sattr, opaque],
  [HANDLE, name, node],
  [HANDLE, name],
  [HANDLE, name],
  [HANDLE, name, HANDLE, name],
  [HANDLE, HANDLE, name],
  [HANDLE, long, verifier, word],
  [HANDLE, long, verifier, word, word],
  [HANDLE],
  [HANDLE],
  [HANDLE],
  [HANDLE, long, word],
];

it('whatever a procedure is called with', async () => {
  const { root, admin } = world;
  const { handle: directory = root } = await admin.mkdir(root, 'b', { mode: 0o777 });
  const { handle: file = root } = await admin.create(directory, 'a');
  const { handle: link = root } = await admin.symlink(root, 'c', 'a');
  await world.put('a', Buffer.from('twin'));
  await world.put('a/b', Buffer.from('of a directory'));
  const handle = fc
    .oneof({ weight: 9, arbitrary: fc.constantFrom(root, directory, file, link) }, bytes(70))
    .map((value) => encoded((out) => out.opaque(value)));
  const call = fc.integer({ min: PROC.GETATTR, max: PROC.COMMIT }).chain((procedure) => {
    const shape = (SHAPES[procedure] ?? []).map((item) => (item === HANDLE ? handle : item));
    // Now and then words are missing, or too many.
    const damage = fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, fc.integer({ min: -12, max: 12 }));
    return fc.tuple(fc.constant(procedure), fc.tuple(...shape), damage);
  });
  await fc.assert(
    fc.asyncProperty(call, async ([procedure, items, damageBytes]) => {
      const whole = Buffer.concat(items);
      const args =
        damageBytes < 0
          ? whole.subarray(0, Math.max(0, whole.length + damageBytes))
          : Buffer.concat([whole, Buffer.alloc(damageBytes)]);
      const { accepted, results } = await admin.rpc.call({ program: NFS, procedure, args, who: { uid: 0 } });
      expect([SUCCESS, GARBAGE_ARGS]).toContain(accepted);
      if (accepted === SUCCESS) expect(results.u32()).not.toBe(SERVERFAULT);
      expect(world.errors).toEqual([]);
    }),
    { numRuns: 1500 },
  );
});

it('any path to mount', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (path) => {
      const args = new Out().opaque(Buffer.concat([Buffer.from('/vol/'), path])).bytes();
      const { accepted, results } = await world.nfs.rpc.call({ program: MOUNT, procedure: 1, args });
      expect(accepted).toBe(SUCCESS);
      expect(results.u32()).not.toBe(SERVERFAULT);
      expect(world.errors).toEqual([]);
    }),
    { numRuns: 200 },
  );
});
