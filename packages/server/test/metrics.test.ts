/** What a server has done is what its metrics say: counted against work that a test did itself. */

import { expect, test } from 'vitest';
import { facet, madeCredentials, type RunningServer, serve, temporaryDirectory } from './facetProcess.ts';
import { NfsClient, STATUS } from './nfsClient.ts';
import { presign } from './presign.ts';

/** `name{label="value",…}` and its number, as a scraper sees it. */
type Samples = ReadonlyMap<string, number>;

const LABEL = String.raw`[a-zA-Z_]\w*="(?:[^"\\]|\\.)*"`;
const LINE = new RegExp(String.raw`^([a-zA-Z_:][\w:]*(?:\{${LABEL}(?:,${LABEL})*\})?) (\S+)$`);

/** @throws Error naming a line that is none of the format's */
function read(exposition: string): Samples {
  const samples = new Map<string, number>();
  for (const line of exposition.split('\n')) {
    if (line === '' || /^# (?:HELP|TYPE) /.test(line)) continue;
    const [, name, value] = LINE.exec(line) ?? [];
    if (name === undefined || samples.has(name)) throw new Error(`not a sample, or one again: ${line}`);
    const number = Number(value?.replace('+Inf', 'Infinity'));
    if (Number.isNaN(number) && value !== 'NaN') throw new Error(`not a number: ${line}`);
    samples.set(name, number);
  }
  return samples;
}

async function scrape(server: RunningServer): Promise<Samples> {
  const answer = await fetch(`${server.serving.admin.url}/metrics`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  return read(await answer.text());
}

/** Those of one name, as a plain object of what is between its braces. */
function of(samples: Samples, name: string): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Array.from(samples)
      .filter(([key]) => key === name || key.startsWith(`${name}{`))
      .map(([key, value]) => [key.slice(name.length), value]),
  );
}

test('count requests, calls and bytes as they were', async () => {
  const server = await serve({ data: temporaryDirectory() });
  const before = await scrape(server);
  expect(of(before, 'facet_s3_requests_total')).toEqual({});
  expect(of(before, 'facet_nfs_calls_total')).toEqual({});

  const as = madeCredentials(server);
  const ask = async (method: 'GET' | 'PUT' | 'DELETE', path: string, body?: string) => {
    const url = presign(method, `${server.serving.s3.url}${path}`, as);
    const answer = await fetch(url, { method, ...(body === undefined ? {} : { body }) });
    return { status: answer.status, text: await answer.text() };
  };
  const body = 'x'.repeat(300_000);
  expect(await ask('PUT', '/counted')).toMatchObject({ status: 200 });
  for (const key of ['a', 'b'])
    expect(await ask('PUT', `/counted/${key}`, body)).toMatchObject({ status: 200 });
  for (let times = 0; times < 3; times += 1)
    expect(await ask('GET', '/counted/a')).toEqual({ status: 200, text: body });
  expect(await ask('GET', '/counted/none')).toMatchObject({ status: 404 });
  expect(await ask('DELETE', '/counted/b')).toMatchObject({ status: 204 });
  await fetch(`${server.serving.s3.url}/counted?policy`, { method: 'PUT' });

  if (server.serving.nfs === undefined) throw new Error('the NFS door is open');
  const client = await NfsClient.connect(server.serving.nfs.port);
  const root = (await client.mount('/counted')).handle;
  const { handle } = await client.create(root, 'file');
  expect(await client.write(handle, 'bytes')).toBe(STATUS.OK);
  expect(await client.read(handle)).toBe('bytes');
  expect(await client.read(handle)).toBe('bytes');
  expect((await client.lookup(root, 'nothing')).status).not.toBe(STATUS.OK);
  client.close();

  // The door counts a request when it is over, which its client may know a moment earlier.
  await expect.poll(async () => of(await scrape(server), 'facet_s3_requests_in_flight')).toEqual({ '': 0 });
  const after = await scrape(server);
  expect(of(after, 'facet_s3_requests_total')).toEqual({
    '{operation="CreateBucket",status="2xx"}': 1,
    '{operation="DeleteObject",status="2xx"}': 1,
    '{operation="GetObject",status="2xx"}': 3,
    '{operation="GetObject",status="4xx"}': 1,
    '{operation="PutObject",status="2xx"}': 2,
    '{operation="other",status="501"}': 1,
  });
  const received = of(after, 'facet_s3_received_bytes_total');
  expect(received['{operation="PutObject"}']).toBe(600_000);
  const sent = of(after, 'facet_s3_sent_bytes_total')['{operation="GetObject"}'] ?? 0;
  expect(sent).toBeGreaterThan(900_000);
  expect(sent).toBeLessThan(910_000);
  const requests = of(after, 'facet_s3_request_duration_seconds_count');
  expect(requests).toMatchObject({ '{operation="GetObject"}': 4, '{operation="PutObject"}': 2 });
  const buckets = of(after, 'facet_s3_request_duration_seconds_bucket');
  expect(buckets['{le="+Inf",operation="GetObject"}']).toBe(4);
  expect(of(after, 'facet_nfs_calls_total')).toEqual({
    '{procedure="CREATE",status="NFS3_OK"}': 1,
    '{procedure="LOOKUP",status="NFS3ERR_NOENT"}': 1,
    '{procedure="READ",status="NFS3_OK"}': 2,
    '{procedure="WRITE",status="NFS3_OK"}': 1,
  });
  expect(of(after, 'facet_nfs_call_duration_seconds_count')['{procedure="READ"}']).toBe(2);

  expect(of(after, 'facet_volume_bytes')).toEqual({ '{volume="counted"}': 300_005 });
  // The root, one object and one file.
  expect(of(after, 'facet_volume_inodes')).toEqual({ '{volume="counted"}': 3 });
  const grown = (name: string) => (after.get(name) ?? Number.NaN) - (before.get(name) ?? Number.NaN);
  expect(grown('facet_extents_written_bytes_total')).toBeGreaterThan(600_000);
  expect(grown('facet_extents_syncs_total')).toBeGreaterThanOrEqual(2);
  expect(grown('facet_metadata_batches_total')).toBeGreaterThanOrEqual(6);
  expect(grown('facet_metadata_operations_total')).toBeGreaterThanOrEqual(
    grown('facet_metadata_batches_total'),
  );
  expect(grown('facet_journal_sync_duration_seconds_count')).toBeGreaterThanOrEqual(6);
  expect(after.get('facet_extents_checksum_errors_total')).toBe(0);
  expect(after.get('facet_lost_containers')).toBe(0);
  expect(after.get('facet_disk_full')).toBe(0);
  expect(after.get('facet_ballast_bytes')).toBeGreaterThan(0);
  expect(after.get('process_resident_memory_bytes{worker="server"}')).toBeGreaterThan(10_000_000);
  expect(after.get('process_start_time_seconds{worker="server"}')).toBeGreaterThan(1_000_000_000);

  // What was deleted is given back in the background.
  await expect
    .poll(async () => (await scrape(server)).get('facet_collector_bytes_total{fate="unlinked"}'))
    .toBeGreaterThan(300_000);
});

test('the version, and when a scrub and a backup ended well', async () => {
  const data = temporaryDirectory();
  const server = await serve({ data });
  const lastOf = async (what: string) =>
    (await scrape(server)).get(`facet_${what}_last_success_timestamp_seconds`);
  expect(of(await scrape(server), 'facet_build_info')).toEqual({
    [`{version="${server.serving.version}"}`]: 1,
  });
  expect([await lastOf('scrub'), await lastOf('backup')]).toEqual([undefined, undefined]);

  const begun = Date.now() / 1000;
  expect((await facet(['scrub', '--data', data])).code).toBe(0);
  expect(await lastOf('scrub')).toBeGreaterThan(begun);
  expect(await lastOf('backup')).toBeUndefined();
  // It refuses the place.
  expect((await facet(['backup', '--data', data, '--to', `${data}/in`])).code).not.toBe(0);
  expect(await lastOf('backup')).toBeUndefined();
  expect((await facet(['backup', '--data', data, '--to', temporaryDirectory()])).code).toBe(0);
  expect(await lastOf('backup')).toBeGreaterThan(begun);
});
