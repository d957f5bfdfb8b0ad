import { isLongName, nameDigest } from '@facet/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HeldName, isShownAs, meantBy, NAME_BYTES_MAX, showName } from '../../src/names/escape.ts';

const MARKS = ['@s3=', '@s3file=', '@s3long=', '@s3longfile='];
const DIGEST = '0123456789abcdef0123456789abcdef';

/** Names as S3 can make them, with a liking for what is close to an escape or to the bound. */
const pieces = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...MARKS) },
  {
    weight: 3,
    arbitrary: fc.constantFrom('.', '..', '', '@', '@s3', '~', '=', `~${DIGEST}`, '\0', 'é', '漢', 'a'),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'binary' }).map((text) => text.replaceAll('/', '')) },
  { weight: 1, arbitrary: fc.nat(300).map((count) => 'x'.repeat(count)) },
  { weight: 1, arbitrary: fc.nat(120).map((count) => '漢'.repeat(count)) },
);
const bytes = fc.oneof(
  fc.array(pieces, { maxLength: 4 }).map((parts) => Buffer.from(parts.join(''))),
  // Names of other doors need be no UTF-8.
  fc.uint8Array({ maxLength: 300 }).map((raw) => Buffer.from(raw.filter((byte) => byte !== 0x2f))),
);
const held: fc.Arbitrary<HeldName> = fc.record({ name: bytes, directory: fc.boolean(), twin: fc.boolean() });

/** Finds an entry among those of a directory as the core would. */
function resolve(directory: readonly HeldName[], shown: Buffer): HeldName | undefined {
  const meant = meantBy(shown);
  if (meant.kind === 'nothing') return undefined;
  let name: Buffer | undefined;
  if (meant.kind === 'name') {
    const dots = ['.', '..'].includes(meant.name.toString('latin1'));
    if (dots && !meant.literal && meant.directory === undefined) return undefined;
    name = meant.name;
  } else {
    const indexed = directory.find(
      (entry) => isLongName(entry.name) && nameDigest(entry.name).equals(meant.digest),
    );
    if (indexed && isShownAs(indexed.name, meant)) name = indexed.name;
  }
  const found = directory.filter((entry) => name?.equals(entry.name));
  if (meant.directory === false) return found.find((entry) => !entry.directory);
  return found.find((entry) => entry.directory) ?? found[0];
}

/** A directory with these entries: what has one name and differs in form is a twin. */
function directoryOf(entries: readonly HeldName[]): HeldName[] {
  const byKey = new Map(entries.map((entry) => [`${entry.directory} ${entry.name.toString('hex')}`, entry]));
  return [...byKey.values()].map((entry) => ({
    ...entry,
    twin: byKey.has(`${!entry.directory} ${entry.name.toString('hex')}`),
  }));
}

describe('what is shown', () => {
  it('can be the name of a file', () => {
    fc.assert(
      fc.property(held, (entry) => {
        const shown = showName(entry);
        expect(shown.length).toBeGreaterThan(0);
        expect(shown.length).toBeLessThanOrEqual(NAME_BYTES_MAX);
        expect(shown.includes(0) || shown.includes(0x2f)).toBe(false);
        expect(['.', '..']).not.toContain(shown.toString('latin1'));
      }),
      { numRuns: 2000 },
    );
  });

  it('leads back to the one entry it is shown for', () => {
    fc.assert(
      fc.property(fc.array(held, { maxLength: 8 }), fc.boolean(), (some, twins) => {
        const both = twins ? some.map((entry) => ({ ...entry, directory: !entry.directory })) : [];
        const directory = directoryOf([...some, ...both]);
        const shown = directory.map((entry) => showName(entry));
        expect(new Set(shown.map((name) => name.toString('hex'))).size).toBe(directory.length);
        for (const [index, entry] of directory.entries()) {
          expect(resolve(directory, shown[index] ?? Buffer.alloc(0))).toBe(entry);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('is the name itself, where that is an ordinary one', () => {
    const ordinary = bytes.filter(
      (name) =>
        name.length > 0 &&
        name.length <= NAME_BYTES_MAX &&
        !name.includes(0) &&
        !/^\.{1,2}$/.test(name.toString('latin1')) &&
        !MARKS.some((mark) => name.toString('latin1').startsWith(mark)),
    );
    fc.assert(
      fc.property(ordinary, fc.boolean(), (name, directory) => {
        expect(showName({ name, directory, twin: false })).toEqual(name);
        expect(showName({ name, directory: true, twin: true })).toEqual(name);
        expect(meantBy(name)).toEqual({ kind: 'name', name });
      }),
      { numRuns: 2000 },
    );
  });
});

describe('what is meant', () => {
  it('is something or nothing, whatever a client says, and shown again is what it said', () => {
    const said = fc.oneof(
      bytes.filter((name) => name.length <= NAME_BYTES_MAX),
      held.map(showName),
    );
    fc.assert(
      fc.property(said, (shown) => {
        const meant = meantBy(shown);
        if (meant.kind !== 'name') return;
        const { name, directory } = meant;
        const asFile = directory === false;
        const dots = !asFile && !meant.literal && /^\.{1,2}$/.test(name.toString('latin1'));
        if (dots) return;
        expect(showName({ name, directory: !asFile, twin: asFile })).toEqual(shown);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['a', { name: 'a' }],
    ['.', { name: '.' }],
    ['@s3', { name: '@s3' }],
    ['@types', { name: '@types' }],
    ['@s3=', { name: '', literal: true }],
    ['@s3=.', { name: '.', literal: true }],
    ['@s3=..', { name: '..', literal: true }],
    ['@s3=@s3=.', { name: '@s3=.', literal: true }],
    ['@s3=@s3file=a', { name: '@s3file=a', literal: true }],
    ['@s3file=a', { name: 'a', directory: false }],
    ['@s3file=', { name: '', directory: false }],
    ['@s3file=@s3=x', { name: '@s3=x', directory: false }],
  ])('%s', (shown, { name, ...meant }) => {
    expect(meantBy(Buffer.from(shown))).toEqual({ kind: 'name', name: Buffer.from(name), ...meant });
  });

  it.each([
    '',
    'a\0',
    'a/b',
    '@s3=a',
    '@s3=...',
    '@s3long=',
    '@s3long=x',
    '@s3long=x~12',
    `@s3long=~${DIGEST}0`,
    `@s3long=~${DIGEST.toUpperCase()}`,
  ])('%j is nothing', (shown) => {
    expect(meantBy(Buffer.from(shown))).toEqual({ kind: 'nothing' });
  });

  it('a name too long for a file is refused', () => {
    expect(() => meantBy(Buffer.alloc(256, 'a'))).toThrow(expect.objectContaining({ code: 'NameTooLong' }));
    expect(meantBy(Buffer.alloc(255, 'a')).kind).toBe('name');
  });
});

describe('what is shown in part', () => {
  it('ends with a whole character and the digest', () => {
    const name = Buffer.from('漢'.repeat(100));
    const shown = showName({ name, directory: false, twin: false });
    expect(shown.toString()).toBe(`@s3long=${'漢'.repeat(71)}~${nameDigest(name).toString('hex')}`);
  });

  it('tells the file of twins from the directory', () => {
    const name = Buffer.alloc(300, 'x');
    const file = meantBy(showName({ name, directory: false, twin: true }));
    const directory = meantBy(showName({ name, directory: true, twin: true }));
    expect(file).toMatchObject({ kind: 'digest', directory: false });
    expect(directory).not.toHaveProperty('directory');
    if (file.kind !== 'digest' || directory.kind !== 'digest') return;
    expect(isShownAs(name, file) && isShownAs(name, directory)).toBe(true);
    expect(isShownAs(Buffer.alloc(301, 'x'), file)).toBe(false);
  });

  it('is indexed by the core, whatever mark it needs', () => {
    fc.assert(
      fc.property(held, (entry) => {
        if (meantBy(showName(entry)).kind === 'digest') expect(isLongName(entry.name)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
