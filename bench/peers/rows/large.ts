/** Multipart uploads, and copies made by the server. */

import { randomBytes } from 'node:crypto';
import type { Operation } from '../../load/closedLoop.ts';
import { Connection } from '../../load/connection.ts';
import { sending } from '../../load/drive.ts';
import type { Size, World } from '../world.ts';

const MIB = 1 << 20;
const PARTS = 8;
const PART_BYTES = 8 * MIB;
const COPIES_IN_FLIGHT = [1, 16] as const;
const UPLOADS_IN_FLIGHT = [1, 4] as const;

export async function multipart(world: World): Promise<void> {
  const part = randomBytes(PART_BYTES);
  let uploads = 0;
  const next = (): Operation => {
    uploads += 1;
    return upload(world, { key: `/multipart/${uploads}`, part });
  };
  await withConnection(world, next());
  for (const connections of UPLOADS_IN_FLIGHT) {
    world.tell(await world.measure('multipart 64 MiB (8 parts)', connections, next));
  }
}

function upload(world: World, { key, part }: { key: string; part: Buffer }): Operation {
  return async (connection) => {
    const begun = await connection.send(world.ready({ method: 'POST', path: `${key}?uploads=` }), true);
    const id = /<UploadId>([^<]+)</.exec(begun.body?.toString() ?? '')?.[1];
    if (id === undefined) throw new Error(`an upload was answered ${begun.status}`);
    const query = `uploadId=${encodeURIComponent(id)}`;
    const listed: string[] = [];
    for (let number = 1; number <= PARTS; number += 1) {
      const path = `${key}?partNumber=${number}&${query}`;
      const answer = await connection.send(world.ready({ method: 'PUT', path, body: part }));
      const etag = /\r\netag: *([^\r]+)/i.exec(answer.head)?.[1];
      if (answer.status !== 200 || etag === undefined)
        throw new Error(`a part was answered ${answer.status}`);
      listed.push(`<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`);
    }
    const body = Buffer.from(`<CompleteMultipartUpload>${listed.join('')}</CompleteMultipartUpload>`);
    const done = await connection.send(world.ready({ method: 'POST', path: `${key}?${query}`, body }), true);
    if (done.status !== 200 || !done.body?.includes('<ETag>')) {
      throw new Error(`a completion was answered ${done.status}: ${done.body}`);
    }
    return PARTS * PART_BYTES;
  };
}

export async function copies(world: World, { bytes, name }: Size): Promise<void> {
  const source = world.ready({ method: 'PUT', path: `/source-${bytes}`, body: randomBytes(bytes) });
  await withConnection(world, sending(source));
  let made = 0;
  const next = (): Operation => {
    made += 1;
    return copy(world, `/source-${bytes}`, `/copies-${bytes}/${made}`);
  };
  await withConnection(world, next());
  for (const connections of COPIES_IN_FLIGHT) {
    world.tell(await world.measure(`copy ${name}`, connections, next));
  }
}

/** An error may follow a 200, when the copy took long. */
export function copy(world: World, from: string, to: string): Operation {
  return async (connection) => {
    const answer = await connection.send(world.copy(from, to), true);
    if (answer.status !== 200 || !answer.body?.includes('<ETag>')) {
      throw new Error(`a copy was answered ${answer.status}: ${answer.body}`);
    }
    return 0;
  };
}

async function withConnection(world: World, operation: Operation): Promise<void> {
  const connection = await Connection.open(world.running.endpoint);
  try {
    await operation(connection);
  } finally {
    connection.close();
  }
}
