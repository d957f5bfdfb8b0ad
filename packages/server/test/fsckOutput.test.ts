/** What fsck prints for people. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { facet, serve, stop, temporaryDirectory } from './facetProcess.ts';
import { put } from './s3.ts';

test('of many findings of a kind it lists the first, counts all, and says what to do next', async () => {
  const data = temporaryDirectory();
  const server = await serve({ data });
  await put(server, '/vol');
  for (let at = 0; at < 50; at += 1) await put(server, `/vol/${at}`, { body: 'x'.repeat(60_000) });
  expect((await stop(server)).code).toBe(0);

  const quick = await facet(['fsck', '--data', data]);
  const full = await facet(['fsck', '--full', '--data', data]);
  const looked = 'looked at 1 volume, 51 inodes, 50 contents, 1 container, 50 frames\n';
  expect([quick.code, quick.stdout]).toEqual([0, `${looked}no damage\n`]);
  const read = 'read 2.9 MiB of data and compared them with their checksums\n';
  expect([full.code, full.stdout]).toEqual([0, `${looked}${read}no damage\n`]);

  const folder = join(data, 'extents', '00');
  const [segment = ''] = readdirSync(folder);
  rmSync(join(folder, segment));
  const end = await facet(['fsck', '--data', data]);
  const lines = end.stdout.trimEnd().split('\n');
  expect([end.code, lines.length]).toEqual([6, 23]);
  expect(lines[0]).toMatch(
    new RegExp(
      `^containerMissing: container 00/${segment.replace('.seg', '')}: content \\d+ has bytes in it`,
    ),
  );
  expect(lines.slice(-2)).toEqual([
    'found 50 findings: 50 containerMissing (20 listed, see --json)',
    expect.stringMatching(
      /^DAMAGED: 50 findings, of which nothing can be mended: write the objects .*facet restore/,
    ),
  ]);
  const listed = JSON.parse((await facet(['fsck', '--json', '--data', data])).stdout);
  expect(listed.findings).toHaveLength(50);
  const repaired = await facet(['fsck', '--repair', '--data', data]);
  expect(repaired.code).toBe(6);
  expect(repaired.stdout).toMatch(
    /left 50 findings: 50 containerMissing \(20 listed, see --json\)\nrepaired 0\nLEFT: 50 findings, since .*facet restore/,
  );
  const scrubbed = await facet(['scrub', '--data', data]);
  expect(scrubbed.stdout.split('\n')).toHaveLength(24);
  expect(scrubbed.stdout).toContain('\nand 30 more, see --json\n');
});
