import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.alice.put('/routes');
  await world.alice.put('/routes/key', 'x');
});
afterAll(async () => {
  expect(world.errors).toEqual([]);
  await world.close();
});

describe('what is not there', () => {
  it.each([
    ['POST', '/', 405, 'MethodNotAllowed'],
    ['PUT', '/', 405, 'MethodNotAllowed'],
    ['POST', '/routes/key', 405, 'MethodNotAllowed'],
    ['PATCH', '/routes/key', 405, 'MethodNotAllowed'],
    ['PROPFIND', '/routes', 405, 'MethodNotAllowed'],
    ['OPTIONS', '/routes/key', 405, 'MethodNotAllowed'],
    ['TRACE', '/routes', 405, 'MethodNotAllowed'],
    ['PUT', '/routes/key?uploadId=x', 405, 'MethodNotAllowed'],
    ['GET', '/routes/key?uploads', 405, 'MethodNotAllowed'],
    ['GET', '/routes/key?versions', 405, 'MethodNotAllowed'],
    ['POST', '/routes?tagging', 405, 'MethodNotAllowed'],
    ['PUT', '/routes/key?partNumber=1', 400, 'InvalidArgument'],
    ['POST', '/routes', 501, 'NotImplemented'],
    ['PUT', '/routes?versioning', 501, 'NotImplemented'],
    ['PUT', '/routes?lifecycle', 501, 'NotImplemented'],
    ['DELETE', '/routes?inventory&id=1', 501, 'NotImplemented'],
    ['GET', '/routes?inventory', 501, 'NotImplemented'],
    ['POST', '/routes/key?select&select-type=2', 501, 'NotImplemented'],
    ['POST', '/routes/key?restore', 501, 'NotImplemented'],
    ['PUT', '/routes/key?retention', 501, 'NotImplemented'],
    ['PUT', '/routes/key?renameObject', 501, 'NotImplemented'],
    ['GET', '/routes/key?torrent', 501, 'NotImplemented'],
    ['DELETE', '/routes/key?policy', 501, 'NotImplemented'],
  ])('%s %s: %d', async (method, path, status, code) => {
    expect(await world.alice.send({ method, path })).toMatchObject({ status, code });
    expect(await world.alice.get('/routes/key')).toMatchObject({ text: 'x' });
  });

  it('says which methods there are', async () => {
    const { headers } = await world.alice.send({ method: 'PATCH', path: '/routes/key' });
    expect(headers.allow).toBe('GET, HEAD, PUT, DELETE, POST');
  });

  it('is said to strangers as well, while what is there is denied', async () => {
    expect(await world.alice.sendRaw({ path: '/routes?inventory' })).toMatchObject({ status: 501 });
    expect(await world.alice.sendRaw({ method: 'POST', path: '/routes' })).toMatchObject({ status: 501 });
    expect(await world.alice.sendRaw({ path: '/routes' })).toMatchObject({
      status: 403,
      code: 'AccessDenied',
    });
  });
});

it('query parameters that S3 does not know are no obstacle', async () => {
  expect(await world.alice.get('/routes/key?x-id=GetObject&unknown=1')).toMatchObject({ text: 'x' });
  expect(await world.alice.put('/routes/key?x-id=PutObject', 'x')).toMatchObject({ status: 200 });
});

it('a copy source belongs to copies', async () => {
  const headers = { 'x-amz-copy-source': '/routes/key' };
  for (const [method, path] of [
    ['GET', '/routes/key'],
    ['DELETE', '/routes/key'],
    ['GET', '/routes'],
    ['PUT', '/routes?acl'],
  ] as const) {
    expect(await world.alice.send({ method, path, headers })).toMatchObject({ status: 400 });
  }
});

it('deleting a setting that is not made succeeds', async () => {
  for (const name of ['policy', 'cors', 'lifecycle', 'encryption', 'website', 'publicAccessBlock']) {
    expect(await world.alice.delete(`/routes?${name}`)).toMatchObject({ status: 204 });
  }
  expect(await world.alice.get('/routes/key')).toMatchObject({ text: 'x' });
});
