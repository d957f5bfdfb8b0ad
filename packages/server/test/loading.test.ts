/** A command loads what it needs and not what a server would: somebody waits for it. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { facet, serve, stop, temporaryDirectory } from './facetProcess.ts';

const OURS = /\/(core|gateway-s3|gateway-nfs|packages\/\w+)\/dist\//;
/** Before each module of a bundle: its path from the folder above. */
const MODULES = /^\/\/ (\S+\.[cm]?js)$/gm;
const OTHERS = /.*\/node_modules\/(@[^/]+\/[^/]+|[^/]+)\//;

const ONLY_SERVERS = ['gateway-s3', 'gateway-nfs', 'fastify', 'pino', 'prom-client', 'fast-xml-parser'];
const ONLY_STORES = ['core', 'packages/engine', 'packages/extents', 'packages/journal', 'lmdb', 'aws-crt'];

/** Has a process note which packages it loaded, by the time it ends. */
function noteLoaded() {
  const directory = temporaryDirectory();
  const [hook, notes] = [join(directory, 'hook.mjs'), join(directory, 'loaded')];
  writeFileSync(
    hook,
    `import { writeFileSync } from 'node:fs';
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
    process.on('exit', () => writeFileSync(${JSON.stringify(notes)}, loaded.join('\\n')));`,
  );
  return {
    environment: { NODE_OPTIONS: `--import=${hook}` },
    loaded: (): ReadonlySet<string | undefined> => {
      const urls = readFileSync(notes, 'utf8').split('\n');
      const modules = urls.flatMap((url) => (url.includes('/server/bundle/') ? modulesOf(url) : [url]));
      return new Set(modules.map((module) => OTHERS.exec(module)?.[1] ?? OURS.exec(module)?.[1]));
    },
  };
}

const modulesOf = (url: string): readonly string[] =>
  Array.from(
    readFileSync(new URL(url), 'utf8').matchAll(MODULES),
    ([, module = '']) => new URL(`../${module}`, url).pathname,
  );

async function loadedBy(words: readonly string[], exitCode: number): Promise<readonly string[]> {
  const { environment, loaded } = noteLoaded();
  expect(await facet(words, { environment })).toMatchObject({ code: exitCode });
  return [...ONLY_SERVERS, ...ONLY_STORES].filter((name) => loaded().has(name));
}

test.each<[string, readonly string[], number]>([
  ['help', ['--help'], 0],
  ["a command's help", ['volume', 'create', '--help'], 0],
  ['a wrong flag', ['serve', '--wings'], 2],
  ['a wrong setting', ['serve', '--workers', 'many'], 2],
  ['a store that is not there', ['volume', 'list', '--data', '/nowhere'], 3],
])('%s needs neither doors nor the core', async (_name, words, exitCode) => {
  expect(await loadedBy(words, exitCode)).toEqual([]);
});

test('nor does who asks a server, which needs all of it; who opens a store needs no doors', async () => {
  const data = temporaryDirectory();
  const { environment, loaded } = noteLoaded();
  const server = await serve({ data, environment });
  expect(await loadedBy(['volume', 'list', '--data', data], 0)).toEqual([]);
  await stop(server);
  expect([...loaded()]).toEqual(expect.arrayContaining([...ONLY_SERVERS, ...ONLY_STORES]));
  expect(await loadedBy(['volume', 'list', '--data', data], 0)).toEqual(ONLY_STORES);
});
