/** A store to back up, and what is done to backups. */

import { closeSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { z } from 'zod';
import { facetJson, type RunningServer, serve, stop, temporaryDirectory } from '../facetProcess.ts';
import { presign } from '../presign.ts';

const ROOT = { accessKeyId: 'ROOTKEY1', secretAccessKey: 'ROOTSECRET1' };
export const environment = {
  FACET_ROOT_ACCESS_KEY: ROOT.accessKeyId,
  FACET_ROOT_SECRET_KEY: ROOT.secretAccessKey,
};
export const FAST = ['--rate', '10G'];
export const report = z.object({
  id: z.string(),
  copiedBytes: z.number(),
  copiedContainers: z.number(),
  bytes: z.number(),
  damaged: z.array(z.unknown()),
});

export const ask = (server: RunningServer, method: 'GET' | 'PUT' | 'DELETE', path: string, body?: string) =>
  fetch(presign(method, `${server.serving.s3.url}${path}`, ROOT), {
    method,
    ...(body === undefined ? {} : { body }),
  });

export async function put(server: RunningServer, path: string, body?: string): Promise<void> {
  const answer = await ask(server, 'PUT', path, body);
  expect([answer.status, await answer.text()]).toEqual([200, '']);
}

export async function bodyOf(server: RunningServer, path: string): Promise<string> {
  const answer = await ask(server, 'GET', path);
  expect(answer.status, path).toBe(200);
  return answer.text();
}

/** Turns a bit of a file. */
export function rot(file: string, position: number): void {
  const descriptor = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(descriptor, byte, 0, 1, position);
  writeSync(descriptor, Buffer.of((byte[0] ?? 0) ^ 4), 0, 1, position);
  closeSync(descriptor);
}

export const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(folder, name)).isFile())
    .toSorted();

export async function storeWithObjects(data: string): Promise<RunningServer> {
  const server = await serve({ data, environment });
  await put(server, '/vol');
  for (let at = 0; at < 30; at += 1) await put(server, `/vol/small${at}`, `${at}`.repeat(5_000));
  for (let at = 0; at < 6; at += 1) await put(server, `/vol/large${at}`, `${at}`.repeat(2_000_000));
  return server;
}

/** Of one store, that is not served. */
export async function twoBackups() {
  const data = temporaryDirectory();
  const to = join(temporaryDirectory(), 'backups');
  await stop(await storeWithObjects(data));
  const ids: string[] = [];
  for (let at = 0; at < 2; at += 1)
    ids.push((await facetJson(report, ['backup', '--data', data, '--to', to, ...FAST])).id);
  return { data, to, ids };
}
