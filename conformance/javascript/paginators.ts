import assert from 'node:assert/strict';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListObjectsCommand,
  type ListObjectsCommandOutput,
  PutObjectCommand,
  paginateListBuckets,
  paginateListObjectsV2,
  paginateListParts,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { Checks } from '../runner/suite.ts';
import type { World } from './world.ts';

const NAMES = Array.from({ length: 57 }, (_, at) => `pages/${String(at).padStart(3, '0')} +%&é`);

async function fill({ s3, Bucket }: World): Promise<void> {
  await Promise.all(NAMES.map((Key) => s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }))));
}

export const paginators: Checks<World> = {
  'ListObjectsV2 in pages of 10': async (world) => {
    await fill(world);
    const keys: (string | undefined)[] = [];
    let pages = 0;
    const query = { Bucket: world.Bucket, Prefix: 'pages/' };
    for await (const page of paginateListObjectsV2({ client: world.s3, pageSize: 10 }, query)) {
      keys.push(...(page.Contents ?? []).map(({ Key }) => Key));
      pages += 1;
    }
    assert.deepEqual(keys, NAMES);
    assert.equal(pages, 6);
  },

  'ListObjects by markers': async (world) => {
    await fill(world);
    const keys: string[] = [];
    for (let Marker: string | undefined = 'pages/'; Marker !== undefined; ) {
      const page: ListObjectsCommandOutput = await world.s3.send(
        new ListObjectsCommand({ Bucket: world.Bucket, Prefix: 'pages/', Marker, MaxKeys: 7 }),
      );
      keys.push(...(page.Contents ?? []).map(({ Key = '' }) => Key));
      Marker = page.IsTruncated ? keys.at(-1) : undefined;
    }
    assert.deepEqual(keys, NAMES);
  },

  'ListBuckets in pages of 1': async ({ s3, Bucket }) => {
    const names: (string | undefined)[] = [];
    for await (const page of paginateListBuckets({ client: s3, pageSize: 1 }, { Prefix: Bucket })) {
      names.push(...(page.Buckets ?? []).map(({ Name }) => Name));
    }
    assert.ok(names.includes(Bucket));
    assert.equal(new Set(names).size, names.length);
  },

  'ListParts in pages of 2': async ({ s3, Bucket }) => {
    const Key = 'parts';
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const numbers = [1, 2, 5, 9, 10_000];
    for (const PartNumber of numbers) {
      await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body: 'x' }));
    }
    const listed: (number | undefined)[] = [];
    for await (const page of paginateListParts({ client: s3, pageSize: 2 }, { Bucket, Key, UploadId })) {
      listed.push(...(page.Parts ?? []).map(({ PartNumber }) => PartNumber));
    }
    assert.deepEqual(listed, numbers);
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  },
};
