/** READDIR and READDIRPLUS: room counted to the byte, and a walk that others' changes do not disturb. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../world.ts';
import { ERR, type Listing, type NfsTestClient, OK } from './client.ts';

let world: World;
let nfs: NfsTestClient;
let root: Buffer;
beforeAll(async () => {
  world = await startWorld();
  ({ nfs, root } = world);
});
afterAll(async () => {
  await world.close();
  expect(world.errors).toEqual([]);
});

let count = 0;
async function newDirectory(names: readonly string[]): Promise<Buffer> {
  count += 1;
  const { handle = Buffer.alloc(0) } = await nfs.mkdir(root, `directory-${count}`, { mode: 0o777 });
  // One at a time: cookies follow the order of making.
  for (const name of names) await nfs.create(handle, name);
  return handle;
}

const namesOf = ({ entries }: Pick<Listing, 'entries'>): string[] => entries.map(({ name }) => `${name}`);
const padded = (length: number): number => Math.ceil(length / 4) * 4;

/** Attributes with their flag, verifier, the end of the list, eof. */
const LIST_BYTES = 88 + 8 + 4 + 4;
const entryBytes = (name: string): number => 4 + 8 + 4 + padded(name.length) + 8;
const entryPlusBytes = (name: string): number => entryBytes(name) + 88 + 4 + 4 + 28;

describe.each([
  {
    procedure: 'READDIR',
    bytesOf: entryBytes,
    list: (directory: Buffer, ask: { cookie?: bigint; verifier?: Buffer; count: number }) =>
      nfs.readdir(directory, ask),
  },
  {
    procedure: 'READDIRPLUS',
    bytesOf: entryPlusBytes,
    list: (directory: Buffer, { count, ...ask }: { cookie?: bigint; verifier?: Buffer; count: number }) =>
      nfs.readdirplus(directory, { ...ask, maxcount: count }),
  },
])('$procedure', ({ bytesOf, list }) => {
  const NAMES = ['a', 'four', 'fiver', 'a name of twenty-one..'];
  const ALL = ['.', '..', ...NAMES];

  it('lists the dots and every name, in order of cookie', async () => {
    const directory = await newDirectory(NAMES);
    const page = await list(directory, { count: 4096 });
    expect(page).toMatchObject({ status: OK, eof: true, directory: { type: 2 } });
    expect(namesOf(page)).toEqual(ALL);
    const cookies = page.entries.map(({ cookie }) => Number(cookie));
    expect(cookies).toEqual(ALL.map((_, index) => index + 1));
    expect(page.entries[0]?.fileid).toBe(page.directory?.fileid);
    expect(page.entries[1]?.fileid).toBe(1n);
  });

  it('fills its room to the byte, and never splits an entry', async () => {
    const directory = await newDirectory(NAMES);
    let bytes = LIST_BYTES;
    for (const [index, name] of ALL.entries()) {
      bytes += bytesOf(name);
      const exact = await list(directory, { count: bytes });
      expect(namesOf(exact)).toEqual(ALL.slice(0, index + 1));
      expect(exact).toMatchObject({ lengthBytes: bytes, eof: index === ALL.length - 1 });
      const less = await list(directory, { count: bytes - 1 });
      expect(less.status).toBe(index === 0 ? ERR.TOOSMALL : OK);
      expect(namesOf(less)).toEqual(ALL.slice(0, index));
      expect(less.eof).toBe(false);
    }
  });

  it('says TOOSMALL when the next entry does not fit, wherever it stands', async () => {
    const directory = await newDirectory(NAMES);
    const last = ALL.at(-1) ?? '';
    const bytes = LIST_BYTES + bytesOf(last);
    const cookie = BigInt(ALL.length - 1);
    expect(await list(directory, { cookie, count: bytes - 1 })).toMatchObject({
      status: ERR.TOOSMALL,
      directory: { type: 2 },
    });
    expect(namesOf(await list(directory, { cookie, count: bytes }))).toEqual([last]);
    for (const small of [0, 1, LIST_BYTES - 1]) {
      expect(await list(directory, { cookie: cookie + 1n, count: small })).toMatchObject({
        status: ERR.TOOSMALL,
      });
    }
    expect(await list(directory, { cookie: cookie + 1n, count: LIST_BYTES })).toMatchObject({
      status: OK,
      entries: [],
      eof: true,
    });
  });

  it('goes on behind a cookie whose entry is gone', async () => {
    const directory = await newDirectory(NAMES);
    await nfs.remove(directory, 'four');
    const page = await list(directory, { cookie: 4n, count: 4096 });
    expect(namesOf(page)).toEqual(['fiver', 'a name of twenty-one..']);
  });

  it('refuses a verifier that is not its own, but for the first page', async () => {
    const directory = await newDirectory(NAMES);
    const verifier = Buffer.from('0000000000000001', 'hex');
    expect(await list(directory, { cookie: 2n, verifier, count: 4096 })).toMatchObject({
      status: ERR.BAD_COOKIE,
    });
    const first = await list(directory, { verifier, count: 4096 });
    expect(first.status).toBe(OK);
    expect(await list(directory, { cookie: 2n, verifier: first.verifier, count: 4096 })).toMatchObject({
      status: OK,
    });
  });

  it('refuses what is no directory, no cookie, and whom the mode shuts out', async () => {
    const directory = await newDirectory(['f']);
    const { handle: file } = await nfs.lookup(directory, 'f');
    expect(await list(file, { count: 4096 })).toMatchObject({ status: ERR.NOTDIR, directory: { type: 1 } });
    expect(await list(directory, { cookie: 2n ** 64n - 1n, count: 4096 })).toMatchObject({
      status: ERR.BAD_COOKIE,
    });
    await nfs.setattr(directory, { mode: 0o300 });
    expect(await list(directory, { count: 4096 })).toMatchObject({ status: ERR.ACCES });
  });
});

it('READDIRPLUS has the attributes and handle of each', async () => {
  const directory = await newDirectory(['one', 'two']);
  const { entries } = await nfs.readdirplus(directory, { maxcount: 4096 });
  for (const { name, fileid, file, handle } of entries) {
    const found = await nfs.lookup(directory, name);
    expect(handle).toEqual(found.handle);
    expect(file).toEqual(found.file);
    expect(fileid).toBe(found.file?.fileid);
  }
  expect(entries[1]?.handle).toEqual(root);
});

it('READDIRPLUS keeps the names to dircount, but for the first', async () => {
  const directory = await newDirectory(['one', 'two']);
  const names = entryBytes('.') + entryBytes('..');
  const pageOf = async (dircount: number): Promise<string[]> =>
    namesOf(await nfs.readdirplus(directory, { dircount, maxcount: 4096 }));
  expect(await pageOf(names)).toEqual(['.', '..']);
  expect(await pageOf(names - 1)).toEqual(['.']);
  expect(await pageOf(0)).toEqual(['.']);
  expect(await pageOf(names + entryBytes('one') + entryBytes('two'))).toEqual(['.', '..', 'one', 'two']);
});

it('a walk by pages of any size neither skips nor repeats a name, while others come and go', async () => {
  const pages = fc.array(fc.record({ count: fc.integer({ min: 500, max: 1500 }), plus: fc.boolean() }), {
    minLength: 1,
    maxLength: 12,
  });
  const change = fc.record({ make: fc.boolean(), which: fc.nat({ max: 9 }) });
  const changes = fc.array(fc.array(change, { maxLength: 3 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(pages, changes, fc.integer({ min: 0, max: 25 }), async (sizes, between, staying) => {
      const stay = Array.from({ length: staying }, (_, index) => `stays-${'x'.repeat(index)}`);
      const directory = await newDirectory(stay.flatMap((name, index) => [name, `${index}`]));
      const seen: string[] = [];
      let cookie = 0n;
      for (let turn = 0; ; turn += 1) {
        const { count = 600, plus = false } = sizes[turn % sizes.length] ?? {};
        const page = plus
          ? await nfs.readdirplus(directory, { cookie, maxcount: count })
          : await nfs.readdir(directory, { cookie, count });
        expect(page.status).toBe(OK);
        expect(page.lengthBytes).toBeLessThanOrEqual(count);
        seen.push(...namesOf(page));
        cookie = page.entries.at(-1)?.cookie ?? cookie;
        if (page.eof) break;
        for (const { make, which } of between[turn] ?? []) {
          if (make) await nfs.create(directory, `new-${turn}-${which}`);
          else await nfs.remove(directory, `${which}`);
        }
      }
      const kept = seen.filter((name) => name.startsWith('stays-'));
      expect(kept).toEqual(stay);
      expect(new Set(seen).size).toBe(seen.length);
    }),
    { numRuns: 12 },
  );
});

it('goes on over a restart, by the handle and the cookie from before it', async () => {
  const names = ['one', 'two', 'three'];
  const before = await startWorld();
  const { handle = Buffer.alloc(0) } = await before.nfs.mkdir(before.root, 'kept', { mode: 0o777 });
  for (const name of names) await before.nfs.create(handle, name);
  const { entries, verifier } = await before.nfs.readdir(handle, { count: 200 });
  const after = await before.restart();
  const cookie = entries.at(-1)?.cookie ?? 0n;
  const rest = await after.nfs.readdir(handle, { cookie, verifier, count: 4096 });
  expect([...namesOf({ entries }), ...namesOf(rest)]).toEqual(['.', '..', ...names]);
  expect(rest.entries.length).toBeGreaterThan(0);
  await after.close();
  expect([...before.errors, ...after.errors]).toEqual([]);
});
