/** What a page of a listing costs as the bucket grows, deep or shallow, with and without delimiter. */

import { Connection } from '../load/connection.ts';
import { drive } from '../load/drive.ts';
import { type RequestPlan, ready } from '../load/request.ts';
import { median, printTable } from './report.ts';
import { type Subject, startFacet } from './servers.ts';

const PAGES_A_SHAPE = 40;
const LOAD_BATCH = 20_000;

/** Half of the keys lie in one directory, half in a tree of three levels. */
function* keys(count: number): Generator<string> {
  for (let i = 0; i < count / 2; i += 1) {
    const digits = String(i).padStart(7, '0');
    yield `flat/${digits}`;
    yield `deep/${digits.slice(0, 3)}/${digits.slice(3, 5)}/${digits.slice(5)}`;
  }
}

const SHAPES = [
  { name: 'flat', prefix: 'flat/', delimiter: '' },
  { name: 'flat, delimiter', prefix: 'flat/', delimiter: '/' },
  { name: 'deep', prefix: 'deep/', delimiter: '' },
  // Directories of a hundred names: the page of the last level, which both sizes have.
  { name: 'deep, delimiter', prefix: 'deep/000/', delimiter: '/' },
] as const;

async function load(subject: Subject, bucket: string, count: number): Promise<void> {
  const body = Buffer.from('x');
  let batch: RequestPlan[] = [];
  const flush = async () => {
    const requests = batch.map((plan) => ready(subject.endpoint, plan, subject.credentials));
    await drive(subject.endpoint, requests, 64);
    batch = [];
  };
  await drive(
    subject.endpoint,
    [ready(subject.endpoint, { method: 'PUT', path: `/${bucket}` }, subject.credentials)],
    1,
  );
  for (const key of keys(count)) {
    batch.push({ method: 'PUT', path: `/${bucket}/${key}`, body });
    if (batch.length === LOAD_BATCH) await flush();
  }
  await flush();
}

/** Milliseconds of server CPU a page, over pages spread through the listing. */
async function cost(
  subject: Subject,
  at: { bucket: string; prefix: string; delimiter: string; count: number },
): Promise<{ cpuMs: number; lines: number }> {
  const { bucket, prefix, delimiter, count } = at;
  const connection = await Connection.open(subject.endpoint);
  const before = subject.server.usage().cpuSeconds;
  let lines = 0;
  for (let page = 0; page < PAGES_A_SHAPE; page += 1) {
    const start = String(Math.floor((count / 2) * (page / PAGES_A_SHAPE) * 0.9)).padStart(7, '0');
    const after =
      prefix === 'flat/'
        ? `flat/${start}`
        : delimiter
          ? prefix
          : `deep/${start.slice(0, 3)}/${start.slice(3, 5)}/${start.slice(5)}`;
    const query = new URLSearchParams({
      'list-type': '2',
      prefix,
      'start-after': after,
      ...(delimiter && { delimiter }),
    });
    const request = ready(
      subject.endpoint,
      { method: 'GET', path: `/${bucket}?${query}` },
      subject.credentials,
    );
    const answer = await connection.send(request, true);
    if (answer.status !== 200) throw new Error(`a listing was answered ${answer.status}`);
    lines += Number(/<KeyCount>(\d+)</.exec(answer.body?.toString() ?? '')?.[1] ?? 0);
  }
  connection.close();
  return {
    cpuMs: ((subject.server.usage().cpuSeconds - before) * 1000) / PAGES_A_SHAPE,
    lines: lines / PAGES_A_SHAPE,
  };
}

export async function benchList(options: {
  data: string | undefined;
  small: number;
  large: number;
  rounds: number;
}): Promise<void> {
  const subject = await startFacet(options.data);
  try {
    await load(subject, 'small', options.small);
    await load(subject, 'large', options.large);
    const table = [];
    for (const shape of SHAPES) {
      const ratios: number[] = [];
      const costs: { small: number[]; large: number[] } = { small: [], large: [] };
      let lines = 0;
      for (let round = 0; round < options.rounds; round += 1) {
        const small = await cost(subject, { ...shape, bucket: 'small', count: options.small });
        const large = await cost(subject, { ...shape, bucket: 'large', count: options.large });
        lines = large.lines;
        // A page that ends early because the small bucket does would flatter the small bucket: cost a line.
        const perLine = { small: small.cpuMs / small.lines, large: large.cpuMs / large.lines };
        costs.small.push(perLine.small * 1000);
        costs.large.push(perLine.large * 1000);
        ratios.push(perLine.large / perLine.small);
      }
      table.push({
        listing: shape.name,
        'lines a page': lines.toFixed(0),
        [`µs a line at ${options.small}`]: median(costs.small).toFixed(2),
        [`µs a line at ${options.large}`]: median(costs.large).toFixed(2),
        ratio: `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`,
      });
    }
    printTable(table);
  } finally {
    await subject.stop();
  }
}
