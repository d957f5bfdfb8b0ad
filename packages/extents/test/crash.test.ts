import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExtentError, LocalExtentStore, type Location } from '../src/index.ts';
import { bytesOf, collect, leaseFrom } from './fixtures.ts';
import { World, type WorldOptions } from './simulation.ts';

interface Stored {
  readonly location: Location;
  readonly data: Buffer;
}

const EXTENTS = 24;

/**
 * Appends and streams extents of random sizes, loses power at a random moment, three times over; after each
 * time looks whether all that was acknowledged is there. Returns what is wrong, or undefined.
 */
async function history(options: WorldOptions): Promise<string | undefined> {
  const world = new World(options);
  const lease = leaseFrom(1);
  const acknowledged: Stored[] = [];
  const contents = new Map<number, Buffer>();
  for (let round = 0; round < 3; round++) {
    const store = new LocalExtentStore({
      disk: world.disk.mount(),
      lease,
      segmentBytes: 100_000,
      gather: async () => undefined,
    });
    let under = EXTENTS;
    for (let index = 0; index < EXTENTS; index++) {
      const contentId = contents.size + 1;
      const data = bytesOf(
        1 + world.integer(world.random() < 0.8 ? 9000 : 200_000),
        options.seed + contentId,
      );
      contents.set(contentId, data);
      const work = world.random() < 0.7 ? append(store, contentId, data) : stream(store, contentId, data);
      work
        .then((location) => acknowledged.push({ location, data }))
        .catch(mustBeExtentError)
        .finally(() => under--);
    }
    await world.run({ done: () => under === 0, steps: world.integer(150) });
    await world.crash(() => under === 0);
    const wrong = await inspect(world, acknowledged, contents);
    if (wrong) return wrong;
  }
  return undefined;
}

function append(store: LocalExtentStore, contentId: number, data: Buffer): Promise<Location> {
  return store.append({ owner: { contentId, fileOffset: 0 }, data: [data] });
}

async function stream(store: LocalExtentStore, contentId: number, data: Buffer): Promise<Location> {
  const writer = store.create({ contentId, fileOffset: 0 });
  for (let at = 0; at < data.length; at += 20_000) await writer.write(data.subarray(at, at + 20_000));
  return writer.finish();
}

function mustBeExtentError(error: unknown): void {
  if (!(error instanceof ExtentError)) throw error;
}

/** Reads everything back on the machine as it is after the crash. */
async function inspect(
  world: World,
  acknowledged: readonly Stored[],
  contents: ReadonlyMap<number, Buffer>,
): Promise<string | undefined> {
  const store = new LocalExtentStore({ disk: world.disk.mount(), lease: leaseFrom(1_000_000) });
  const look = async (): Promise<string | undefined> => {
    for (const { location, data } of acknowledged) {
      const got = await store
        .read({ location, start: 0, length: data.length })
        .catch((error: unknown) => error);
      if (!(got instanceof Buffer)) return `lost: ${JSON.stringify(location)}: ${got}`;
      if (!got.equals(data)) return `wrong bytes: ${JSON.stringify(location)}`;
    }
    for (const { container } of await store.list()) {
      for (const frame of await collect(store.scan(container))) {
        const owned = contents.get(frame.owner.contentId);
        if (!owned) return `a frame of nobody in ${container} at ${frame.offset}`;
        if (frame.intact && frame.dataLength !== owned.length)
          return `a frame of another length in ${container}`;
      }
    }
    return undefined;
  };
  let wrong: string | undefined;
  let done = false;
  look()
    .then(
      (found) => {
        wrong = found;
      },
      (error: unknown) => {
        wrong = `cannot look: ${error}`;
      },
    )
    .finally(() => {
      done = true;
    });
  await world.run({ done: () => done });
  return wrong;
}

describe('after power is lost at any moment', () => {
  it('everything acknowledged is there', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(0x7fffffff), async (seed) => {
        expect(await history({ seed })).toBeUndefined();
      }),
      { numRuns: 40, endOnFailure: true },
    );
  });

  it('everything acknowledged is there, when writes and syncs fail as well', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(0x7fffffff), async (seed) => {
        expect(await history({ seed, faultRate: 0.05 })).toBeUndefined();
      }),
      { numRuns: 40, endOnFailure: true },
    );
  });

  it.each(['data', 'directories'] as const)('a sync of %s left out is noticed', async (ignoresSyncOf) => {
    let noticed = 0;
    for (let seed = 0; seed < 10; seed++) if (await history({ seed, disk: { ignoresSyncOf } })) noticed++;
    expect(noticed).toBeGreaterThan(5);
  });

  it('one seed is one history', async () => {
    const traces = await Promise.all(
      [1, 1, 2].map(async (seed) => {
        const operations: string[] = [];
        const after = async ({ kind, name }: { readonly kind: string; readonly name: string }) => {
          operations.push(`${kind} ${name}`);
        };
        await history({ seed, faultRate: 0.05, disk: { after } });
        return operations.join('\n');
      }),
    );
    expect(traces[0]?.length).toBeGreaterThan(1000);
    expect(traces[0]).toBe(traces[1]);
    expect(traces[0]).not.toBe(traces[2]);
  });
});
