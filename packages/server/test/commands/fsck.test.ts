import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { facet, facetJson, serve, stop, temporaryDirectory } from '../facetProcess.ts';
import { put } from '../s3.ts';
import { errorShape, storeWith } from './store.ts';

describe('fsck', () => {
  const outcome = z.strictObject({
    damaged: z.boolean(),
    findings: z.array(
      z.strictObject({
        kind: z.string(),
        what: z.string(),
        where: z.string(),
        detail: z.string(),
        objects: z.array(z.strictObject({ volume: z.string(), key: z.string() })).optional(),
      }),
    ),
    findingCount: z.number(),
    checked: z.strictObject({
      volumes: z.number(),
      inodes: z.number(),
      contents: z.number(),
      containers: z.number(),
      frames: z.number(),
      bytes: z.number(),
    }),
  });

  /** A store with one object of 300,000 bytes, at rest. @returns its directory and the object's container */
  async function storeWithObject() {
    const data = temporaryDirectory();
    const server = await serve({ data });
    await put(server, '/bucket');
    await put(server, '/bucket/object', { body: 'x'.repeat(300_000) });
    await stop(server);
    const files = readdirSync(join(data, 'extents'), { recursive: true, encoding: 'utf8' });
    const container = files.find((name) => name.endsWith('.ext'));
    if (container === undefined) throw new Error(`no container among ${files.join(', ')}`);
    return { data, container: join(data, 'extents', container) };
  }

  test('of a sound store, by headers alone and in full', async () => {
    const { data } = await storeWithObject();
    for (const words of [['fsck'], ['fsck', '--full']]) {
      const found = await facetJson(outcome, [...words, '--data', data]);
      expect(found).toMatchObject({ damaged: false, findings: [], findingCount: 0 });
      expect(found.checked).toMatchObject({ volumes: 1, contents: 1, frames: 1 });
    }
    const told = await facet(['fsck', '--data', data]);
    expect(told).toMatchObject({ code: 0, stderr: '' });
    expect(told.stdout).toMatch(/1 volume, .*\nno damage\n$/);
  });

  test('a flipped bit in the data is found in full only', async () => {
    const { data, container } = await storeWithObject();
    const named = `container ${relative(join(data, 'extents'), container)}`;
    const bytes = readFileSync(container);
    bytes[150_000] = (bytes[150_000] ?? 0) ^ 1;
    writeFileSync(container, bytes);
    expect((await facet(['fsck', '--data', data])).code).toBe(0);
    const end = await facet(['fsck', '--full', '--json', '--data', data]);
    expect(end).toMatchObject({ code: 6, stderr: '' });
    expect(outcome.parse(JSON.parse(end.stdout)).findings).toMatchObject([
      { kind: 'frameDamaged', what: named, objects: [{ volume: 'bucket', key: 'object' }] },
    ]);
    const told = await facet(['fsck', '--full', '--data', data]);
    expect(told.stdout.startsWith(`frameDamaged: ${named}: `)).toBe(true);
    expect(told.stdout).toMatch(
      /^.* bytes of bucket\/object\n[\s\S]*\nDAMAGED: 1 finding, of which nothing can be mended: write the objects named anew, .*\n$/,
    );
    const tried = await facet(['fsck', '--full', '--repair', '--dry-run', '--data', data]);
    expect(tried.stdout.split('\n').at(-2)).toBe(told.stdout.split('\n').at(-2));
    // What is mended has to be looked for as it was found.
    writeFileSync(join(data, 'extents', 'stray'), '');
    expect((await facet(['fsck', '--full', '--data', data])).stdout).toContain(
      "DAMAGED: 2 findings; 'facet fsck --repair --dry-run --full' tells what of that can be mended\n",
    );
  });

  test('a container that is gone is found, and nothing is put in its place', async () => {
    const { data, container } = await storeWithObject();
    rmSync(container);
    const end = await facet(['fsck', '--json', '--data', data]);
    expect(end.code).toBe(6);
    const what = `container ${relative(join(data, 'extents'), container).replace('.ext', '')}`;
    expect(outcome.parse(JSON.parse(end.stdout)).findings).toContainEqual(
      expect.objectContaining({ kind: 'containerMissing', what }),
    );
    expect(existsSync(container)).toBe(false);
  });

  test('of what kill -9 left: sound before and after its recovery', async () => {
    const data = temporaryDirectory();
    await stop(await serve({ data }), 'SIGKILL');
    expect((await facet(['fsck', '--data', data])).code).toBe(0);
    await stop(await serve({ data }));
    expect((await facet(['fsck', '--data', data])).code).toBe(0);
  });

  test('of a store that is served is refused', async () => {
    const data = await storeWith('a running server');
    const end = await facet(['fsck', '--data', data, '--json']);
    expect(end.code).toBe(5);
    expect(errorShape.parse(JSON.parse(end.stderr)).error.code).toBe('StoreInUse');
  });
});
