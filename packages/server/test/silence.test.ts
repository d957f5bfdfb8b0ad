/** A server that hangs is told from one that is slow. */

import { createServer, type ServerResponse } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { ServerSilent, unlessSilent } from '../src/administration/silence.ts';
import { facet, serve, temporaryDirectory } from './facetProcess.ts';

/** Answers by `live` whether it lives, and nothing else before `replyAfterMs`. */
async function serverThat(
  replyAfterMs: number,
  live: (reply: ServerResponse) => void = (reply) => reply.end('{}'),
): Promise<string> {
  const server = createServer((request, reply) => {
    if (request.url === '/health/live') live(reply);
    else setTimeout(() => reply.end('done'), replyAfterMs);
  });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

const ask = (url: string, callMsMax?: number) =>
  unlessSilent(url, { lookEveryMs: 50, lookMsMax: 500, ...(callMsMax && { callMsMax }) }, async (signal) =>
    (await fetch(new URL('/work', url), { signal })).text(),
  );

test('who lives is waited for, and hears many times whether it does', async () => {
  let looks = 0;
  const url = await serverThat(2000, (reply) => {
    looks += 1;
    reply.end('{}');
  });
  expect(await ask(url)).toBe('done');
  expect(looks).toBeGreaterThan(3);
});

test('who lives and does not come to an end is given up', async () => {
  const why = await ask(await serverThat(60_000), 1000).catch((error: unknown) => error);
  expect(why).toBeInstanceOf(ServerSilent);
  expect(String(why)).toContain('lives, but has not done this in 1 s');
});

test('who does not say that it lives is given up', async () => {
  const why = await ask(await serverThat(60_000, () => undefined)).catch((error: unknown) => error);
  expect(why).toBeInstanceOf(ServerSilent);
  expect(String(why)).toContain('has not answered for 1 s');
});

test('a stopped server: which one, and what may be the matter, in seconds', async () => {
  const data = temporaryDirectory();
  const server = await serve({ data });
  server.child.kill('SIGSTOP');
  const begun = performance.now();
  const end = await facet(['volume', 'list', '--data', data]);
  expect(performance.now() - begun).toBeLessThan(25_000);
  expect(end).toMatchObject({ code: 5, stdout: '' });
  expect(end.stderr).toContain(`the server of ${data} (pid ${server.serving.pid}) has not answered for 10 s`);
}, 40_000);
