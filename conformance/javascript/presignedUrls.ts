import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { Checks } from '../runner/suite.ts';
import type { World } from './world.ts';

/** As a program without an SDK would. */
function send(
  { ca }: World,
  url: string,
  method = 'GET',
  body?: string,
): Promise<{ readonly status: number | undefined; readonly text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  const request =
    ca === undefined ? http.request(url, { method }, resolve) : https.request(url, { method, ca }, resolve);
  request.on('error', reject);
  request.end(body);
  return promise.then(async (response) => ({ status: response.statusCode, text: await text(response) }));
}

export const presignedUrls: Checks<World> = {
  'GET, with a key that needs encoding': async (world) => {
    const target = { Bucket: world.Bucket, Key: "signed/a b+c%'()*!é" };
    await world.s3.send(new PutObjectCommand({ ...target, Body: 'bytes' }));
    const url = await getSignedUrl(world.s3, new GetObjectCommand(target), { expiresIn: 60 });
    assert.deepEqual(await send(world, url), { status: 200, text: 'bytes' });
  },

  'PUT of bytes that were not known when it was signed': async (world) => {
    const target = { Bucket: world.Bucket, Key: 'signed/put' };
    const url = await getSignedUrl(world.s3, new PutObjectCommand(target), { expiresIn: 60 });
    assert.equal((await send(world, url, 'PUT', 'sent by url')).status, 200);
    const got = await world.s3.send(new GetObjectCommand(target));
    assert.equal(await got.Body?.transformToString(), 'sent by url');
  },

  DELETE: async (world) => {
    const target = { Bucket: world.Bucket, Key: 'signed/delete' };
    await world.s3.send(new PutObjectCommand({ ...target, Body: 'x' }));
    const url = await getSignedUrl(world.s3, new DeleteObjectCommand(target));
    assert.equal((await send(world, url, 'DELETE')).status, 204);
  },

  'expired after a second': async (world) => {
    const target = { Bucket: world.Bucket, Key: 'signed/late' };
    const url = await getSignedUrl(world.s3, new GetObjectCommand(target), {
      expiresIn: 1,
      signingDate: new Date(Date.now() - 5_000),
    });
    const answer = await send(world, url);
    assert.equal(answer.status, 403);
    assert.match(answer.text, /<Code>AccessDenied<\/Code>.*expired/s);
  },
};
