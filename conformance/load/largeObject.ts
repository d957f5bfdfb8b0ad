/** One object up and down as a stream, compared by MD5, the server's memory watched. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import http from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { randomBytesOf } from '../runner/randomFile.ts';
import { type Checks, Skip } from '../runner/suite.ts';
import { type Ask, signByHeader } from '../wire/request.ts';
import { sendExpectingSuccess, signingOf } from '../wire/send.ts';
import { type World, withinMemory } from './world.ts';

const MIB = 1 << 20;
const GIB = 1 << 30;
const ANONYMOUS_MEBIBYTES_MAX = 300;

/** Signed without its body, which is too large to hold. */
function open(
  { caller }: World,
  ask: Ask,
): { request: http.ClientRequest; response: Promise<http.IncomingMessage> } {
  const signed = signByHeader(ask, { ...signingOf(caller), payload: 'UNSIGNED-PAYLOAD' });
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  const request = http.request(
    {
      ...caller.endpoint,
      method: signed.method,
      path: signed.path,
      headers: Object.fromEntries(signed.headers),
    },
    resolve,
  );
  request.on('error', reject);
  return { request, response: promise };
}

async function thereAndBack(world: World, lengthBytes: number): Promise<void> {
  const path = `/${world.bucket}/large`;
  await withinMemory(world, ANONYMOUS_MEBIBYTES_MAX, async () => {
    const sent = createHash('md5');
    const pieces = function* (): Generator<Buffer> {
      for (const piece of randomBytesOf({ lengthBytes, seed: 5 })) {
        sent.update(piece);
        yield piece;
      }
    };
    const put = open(world, { method: 'PUT', path, headers: [['Content-Length', String(lengthBytes)]] });
    await pipeline(Readable.from(pieces()), put.request);
    const stored = await put.response;
    stored.resume();
    assert.equal(stored.statusCode, 200);
    assert.equal(stored.headers.etag, `"${sent.copy().digest('hex')}"`);

    const get = open(world, { path });
    get.request.end();
    const received = createHash('md5');
    let receivedBytes = 0;
    for await (const piece of await get.response) {
      received.update(piece as Buffer);
      receivedBytes += (piece as Buffer).length;
    }
    assert.equal(receivedBytes, lengthBytes);
    assert.equal(received.digest('hex'), sent.digest('hex'));
  });
  await sendExpectingSuccess(world.caller, { method: 'DELETE', path });
}

export const largeObject: Checks<World> = {
  'PUT and GET of 512 MiB within 300 MiB of anonymous memory': (world) => thereAndBack(world, 512 * MIB),
  'PUT and GET of 5 GiB within 300 MiB of anonymous memory': async (world) => {
    if (!world.large) throw new Skip('takes minutes and 5 GiB of disk: run with --large');
    await thereAndBack(world, 5 * GIB);
  },
};
