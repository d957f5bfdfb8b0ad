import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { md5Base64, textOf, texts } from './client.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  expect(world.errors).toEqual([]);
  await world.close();
});

describe('CreateBucket', () => {
  it('creates, and again for its owner, and not for another', async () => {
    const first = await world.alice.put('/create-me');
    expect(first.status).toBe(200);
    expect(first.headers.location).toBe('/create-me');
    expect(await world.alice.put('/create-me')).toMatchObject({ status: 200 });
    expect(await world.bob.put('/create-me')).toMatchObject({ status: 409, code: 'BucketAlreadyExists' });
  });

  it('takes a location and tags, and refuses nonsense', async () => {
    const body = (inner: string) => `<CreateBucketConfiguration>${inner}</CreateBucketConfiguration>`;
    const location = body('<LocationConstraint>eu-west-1</LocationConstraint>');
    expect(await world.alice.put('/with-location', location)).toMatchObject({ status: 200 });
    const tagged = body('<Tags><Tag><Key>k</Key><Value>v</Value></Tag></Tags>');
    expect(await world.alice.put('/with-tags', tagged)).toMatchObject({ status: 200 });
    expect((await world.alice.get('/with-tags?tagging')).text).toContain('<Key>k</Key><Value>v</Value>');
    expect(await world.alice.put('/not-xml', 'nonsense')).toMatchObject({ code: 'MalformedXML' });
    expect(await world.alice.get('/not-xml')).toMatchObject({ code: 'NoSuchBucket' });
    const directory = body('<Bucket><Type>Directory</Type></Bucket>');
    expect(await world.alice.put('/dir-bucket', directory)).toMatchObject({ code: 'NotImplemented' });
  });

  it.each([
    'ab',
    'a'.repeat(64),
    'Upper',
    'under_score',
    '-dash',
    'dash-',
    'dot..dot',
    'dot.-dash',
    '192.168.5.4',
    'xn--idn',
    'sthree-x',
    'some-s3alias',
    'some--ol-s3',
    'caf%C3%A9-bucket',
    'with%20space',
  ])('refuses the name %s', async (name) => {
    expect(await world.alice.put(`/${name}`)).toMatchObject({ status: 400, code: 'InvalidBucketName' });
  });

  it.each(['abc', 'a'.repeat(63), 'with.dots', '1-2-3', '1.2.3'])('takes the name %s', async (name) => {
    expect(await world.alice.put(`/${name}`)).toMatchObject({ status: 200 });
  });
});

describe('HeadBucket, GetBucketLocation, DeleteBucket', () => {
  it.each([64, 3000])('know no bucket whose name has %i bytes', async (length) => {
    const name = 'a'.repeat(length);
    expect(await world.alice.get(`/${name}?location`)).toMatchObject({ status: 404, code: 'NoSuchBucket' });
    const source = { 'x-amz-copy-source': `${name}/key` };
    await world.alice.put('/long-name');
    expect(await world.alice.put('/long-name/copy', '', source)).toMatchObject({ code: 'NoSuchBucket' });
    await world.alice.delete('/long-name');
  });

  it('tell what is', async () => {
    await world.alice.put('/short-lived');
    const head = await world.alice.head('/short-lived');
    expect(head.status).toBe(200);
    expect(head.headers['x-amz-bucket-region']).toBe('us-east-1');
    expect(await world.alice.head('/no-such-bucket')).toMatchObject({ status: 404, text: '' });
    const location = await world.alice.get('/short-lived?location');
    expect(location.text).toMatch(/<LocationConstraint xmlns="[^"]+"><\/LocationConstraint>$/);

    await world.alice.put('/short-lived/key', 'x');
    expect(await world.alice.delete('/short-lived')).toMatchObject({ status: 409, code: 'BucketNotEmpty' });
    await world.alice.delete('/short-lived/key');
    expect(await world.alice.delete('/short-lived')).toMatchObject({ status: 204, text: '' });
    expect(await world.alice.delete('/short-lived')).toMatchObject({ status: 404, code: 'NoSuchBucket' });
  });
});

describe('owners', () => {
  it('see and reach only their own buckets', async () => {
    await world.alice.put('/hers');
    await world.alice.put('/hers/key', 'secret');
    for (const answer of [
      await world.bob.get('/hers'),
      await world.bob.get('/hers/key'),
      await world.bob.put('/hers/key', 'mine'),
      await world.bob.delete('/hers/key'),
      await world.bob.delete('/hers'),
      await world.bob.get('/hers?acl'),
      await world.bob.get('/hers/missing'),
      await world.alice.sendRaw({ path: '/hers/key' }),
      await world.alice.sendRaw({ path: '/' }),
    ]) {
      expect(answer).toMatchObject({ status: 403, code: 'AccessDenied' });
    }
    expect(await world.bob.head('/hers')).toMatchObject({ status: 403, text: '' });
    expect(await world.alice.get('/hers/key')).toMatchObject({ text: 'secret' });
    expect(texts((await world.bob.get('/')).text, 'Name')).toEqual([]);
    expect(texts((await world.alice.get('/')).text, 'Name')).toContain('hers');
  });

  it('may name the owner they expect', async () => {
    const owner = textOf((await world.alice.get('/')).text, 'ID') ?? '';
    expect(await world.alice.head('/hers', { 'x-amz-expected-bucket-owner': owner })).toMatchObject({
      status: 200,
    });
    const wrong = { 'x-amz-expected-bucket-owner': '111122223333' };
    expect(await world.alice.get('/hers', wrong)).toMatchObject({ status: 403, code: 'AccessDenied' });
  });
});

describe('ListBuckets', () => {
  it('pages, with and without a prefix', async () => {
    const names = ['page-a', 'page-b', 'page-c', 'page-d', 'page-e'];
    for (const name of names) await world.bob.put(`/${name}`);
    const seen: string[] = [];
    let token = '';
    let pages = 0;
    do {
      const suffix = token === '' ? '' : `&continuation-token=${token}`;
      const page = await world.bob.get(`/?max-buckets=2${suffix}`);
      seen.push(...texts(page.text, 'Name'));
      token = textOf(page.text, 'ContinuationToken') ?? '';
      pages += 1;
    } while (token !== '');
    expect(seen).toEqual(names);
    expect(pages).toBe(3);
    expect(texts((await world.bob.get('/?prefix=page-c')).text, 'Name')).toEqual(['page-c']);
    expect(await world.bob.get('/?max-buckets=0')).toMatchObject({ code: 'InvalidArgument' });
    expect(await world.bob.get('/?max-buckets=10001')).toMatchObject({ code: 'InvalidArgument' });
    expect(await world.bob.get('/?continuation-token=%21')).toMatchObject({ code: 'InvalidArgument' });
  });
});

describe('settings', () => {
  it.each([
    ['policy', 'NoSuchBucketPolicy'],
    ['cors', 'NoSuchCORSConfiguration'],
    ['lifecycle', 'NoSuchLifecycleConfiguration'],
    ['encryption', 'ServerSideEncryptionConfigurationNotFoundError'],
    ['website', 'NoSuchWebsiteConfiguration'],
    ['object-lock', 'ObjectLockConfigurationNotFoundError'],
    ['tagging', 'NoSuchTagSet'],
    ['publicAccessBlock', 'NoSuchPublicAccessBlockConfiguration'],
    ['ownershipControls', 'OwnershipControlsNotFoundError'],
    ['policyStatus', 'NoSuchBucketPolicy'],
    ['replication', 'ReplicationConfigurationNotFoundError'],
  ])('%s is not there: %s', async (subresource, code) => {
    expect(await world.alice.get(`/hers?${subresource}`)).toMatchObject({ status: 404, code });
    if (subresource === 'tagging') return;
    expect(await world.alice.put(`/hers?${subresource}`, '<x/>')).toMatchObject({ code: 'NotImplemented' });
  });

  it('versioning was never turned on, and the owner pays', async () => {
    const versioning = await world.alice.get('/hers?versioning');
    expect(versioning.text).toMatch(/<VersioningConfiguration xmlns="[^"]+"><\/VersioningConfiguration>$/);
    expect(textOf((await world.alice.get('/hers?requestPayment')).text, 'Payer')).toBe('BucketOwner');
  });

  it.each([
    ['logging', 'BucketLoggingStatus'],
    ['notification', 'NotificationConfiguration'],
    ['accelerate', 'AccelerateConfiguration'],
  ])('%s was never set up: an empty %s', async (subresource, document) => {
    const { status, text } = await world.alice.get(`/hers?${subresource}`);
    expect([status, text]).toEqual([
      200,
      expect.stringMatching(new RegExp(`<${document} xmlns="[^"]+"></${document}>$`)),
    ]);
    expect(await world.alice.put(`/hers?${subresource}`, '<x/>')).toMatchObject({ code: 'NotImplemented' });
  });

  it.each(['metrics', 'inventory', 'analytics', 'session', 'intelligent-tiering'])(
    '%s is not implemented, and not the listing instead',
    async (subresource) => {
      expect(await world.alice.get(`/hers?${subresource}`)).toMatchObject({
        status: 501,
        code: 'NotImplemented',
      });
    },
  );

  it.each(['torrent', 'retention', 'legal-hold', 'restore'])('an object has no %s', async (subresource) => {
    expect(await world.alice.get(`/hers/key?${subresource}`)).toMatchObject({
      status: 501,
      code: 'NotImplemented',
    });
  });
});

describe('access control lists', () => {
  it('say that the owner has full control, and take that as a wish', async () => {
    const owner = textOf((await world.alice.get('/')).text, 'ID');
    for (const path of ['/hers', '/hers/key']) {
      const acl = await world.alice.get(`${path}?acl`);
      expect(texts(acl.text, 'ID')).toEqual([owner, owner]);
      expect(texts(acl.text, 'Permission')).toEqual(['FULL_CONTROL']);
      const as = (name: string) => ({ 'x-amz-acl': name });
      expect(await world.alice.put(`${path}?acl`, '', as('private'))).toMatchObject({ status: 200 });
      expect(await world.alice.put(`${path}?acl`, acl.body)).toMatchObject({ status: 200 });
      expect(await world.alice.put(`${path}?acl`, '', as('public-read'))).toMatchObject({ status: 501 });
      const wider = acl.text.replace('FULL_CONTROL', 'READ');
      expect(await world.alice.put(`${path}?acl`, wider)).toMatchObject({ code: 'NotImplemented' });
      expect(await world.alice.put(`${path}?acl`)).toMatchObject({ code: 'MissingSecurityHeader' });
    }
    expect(await world.alice.get('/hers/missing?acl')).toMatchObject({ code: 'NoSuchKey' });
  });

  it.each([
    ['x-amz-acl', 'public-read'],
    ['x-amz-grant-read', 'id="x"'],
    ['x-amz-server-side-encryption', 'AES256'],
    ['x-amz-server-side-encryption-customer-algorithm', 'AES256'],
    ['x-amz-object-lock-mode', 'GOVERNANCE'],
    ['x-amz-write-offset-bytes', '5'],
  ])('an upload with %s stores nothing', async (name, value) => {
    const refused = await world.alice.put('/hers/refused', 'x', { [name]: value });
    expect(refused).toMatchObject({ status: 501, code: 'NotImplemented' });
    expect(await world.alice.head('/hers/refused')).toMatchObject({ status: 404 });
  });

  it('an upload that asks for what is so anyway is stored', async () => {
    for (const acl of ['private', 'bucket-owner-full-control']) {
      expect(await world.alice.put('/hers/stored', 'x', { 'x-amz-acl': acl })).toMatchObject({ status: 200 });
    }
    const bypass = { 'x-amz-bypass-governance-retention': 'true' };
    expect(await world.alice.delete('/hers/stored', bypass)).toMatchObject({ status: 204 });
  });
});

describe('bucket tagging', () => {
  const document = (tags: string) => `<Tagging><TagSet>${tags}</TagSet></Tagging>`;
  const tag = (key: string, value: string) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`;

  it('is put, got and deleted', async () => {
    await world.alice.put('/tagged-bucket');
    const body = document(tag('team', 'a &amp; b'));
    expect(await world.alice.put('/tagged-bucket?tagging', body)).toMatchObject({ code: 'InvalidTag' });
    const good = document(tag('team', 'a/b') + tag('x', ''));
    const headers = { 'content-md5': md5Base64(good) };
    expect(await world.alice.put('/tagged-bucket?tagging', good, headers)).toMatchObject({ status: 204 });
    const got = await world.alice.get('/tagged-bucket?tagging');
    expect(texts(got.text, 'Key')).toEqual(['team', 'x']);
    expect(texts(got.text, 'Value')).toEqual(['a/b', '']);
    expect(await world.alice.delete('/tagged-bucket?tagging')).toMatchObject({ status: 204 });
    expect(await world.alice.get('/tagged-bucket?tagging')).toMatchObject({ code: 'NoSuchTagSet' });
    const many = document(Array.from({ length: 51 }, (_, i) => tag(`k${i}`, 'v')).join(''));
    expect(await world.alice.put('/tagged-bucket?tagging', many)).toMatchObject({ code: 'InvalidTag' });
  });
});
