/** What the admin door tells of the server's work, read by the parser of Prometheus' Python client. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../runner/command.ts';
import { runChecks, type Suite } from '../runner/suite.ts';
import type { Server } from '../server/launch.ts';
import { installPython } from '../tools/python.ts';
import { sendExpectingSuccess } from '../wire/send.ts';

const PARSER = fileURLToPath(new URL('parse.py', import.meta.url));
const MINUTE_MS = 60_000;
const REQUESTS = 20;

interface World {
  readonly server: Server;
  readonly python: string;
}

interface Family {
  readonly type: string;
  readonly samples: readonly (readonly [string, Readonly<Record<string, string>>, number])[];
}

async function scrape({ server, python }: World): Promise<Readonly<Record<string, Family>>> {
  const answer = await fetch(`${server.adminUrl}/metrics`);
  assert.equal(answer.status, 200);
  const { stdout } = await runCommand(python, [PARSER], {
    input: await answer.text(),
    timeoutMs: MINUTE_MS,
  });
  return JSON.parse(stdout);
}

/** A name that every character of may need care. */
const KEY = `${encodeURIComponent('a "quoted" \\ name')}`;

async function isParsed(world: World): Promise<void> {
  const caller = { endpoint: world.server.endpoint, credentials: world.server.accounts.main };
  await sendExpectingSuccess(caller, { method: 'PUT', path: '/measured' });
  for (let times = 0; times < REQUESTS; times += 1)
    await sendExpectingSuccess(caller, { method: 'PUT', path: `/measured/${KEY}`, body: 'measured' });
  const families = await scrape(world);
  const puts = families['facet_s3_requests']?.samples.find(
    ([, { operation, status }]) => operation === 'PutObject' && status === '2xx',
  );
  assert.equal(puts?.[2], REQUESTS);
  assert.equal(families['facet_s3_requests']?.type, 'counter');
  assert.equal(families['facet_s3_request_duration_seconds']?.type, 'histogram');
  const held = families['facet_volume_bytes']?.samples.find(([, { volume }]) => volume === 'measured');
  assert.equal(held?.[2], 'measured'.length);
}

/** Prometheus refuses a histogram whose buckets fall, or whose last is not its count. */
async function areHistograms(world: World): Promise<void> {
  const families = Object.entries(await scrape(world)).filter(([, { type }]) => type === 'histogram');
  assert.ok(families.length >= 3);
  for (const [name, { samples }] of families) {
    const keyOf = (labels: Readonly<Record<string, string>>) =>
      JSON.stringify(
        Object.entries(labels)
          .filter(([label]) => label !== 'le')
          .sort(),
      );
    for (const [, group] of Map.groupBy(samples, ([, labels]) => keyOf(labels))) {
      const buckets = group.filter(([sample]) => sample === `${name}_bucket`);
      const count = group.find(([sample]) => sample === `${name}_count`)?.[2];
      const values = buckets.map(([, , value]) => value);
      assert.deepEqual(
        values,
        values.toSorted((one, other) => one - other),
        name,
      );
      assert.equal(buckets.at(-1)?.[1]['le'], '+Inf', name);
      assert.equal(values.at(-1), count, name);
    }
  }
}

export const metricsSuite: Suite = {
  name: 'metrics',
  run: async function* (stage) {
    const python = (await installPython(stage)).program('python');
    const server = await stage.fresh();
    try {
      yield* runChecks(
        {
          'what was done is read by a scraper’s parser, name by name': isParsed,
          'histograms add up': areHistograms,
        },
        { server, python },
      );
    } finally {
      await server.stop();
    }
  },
};
