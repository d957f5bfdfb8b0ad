import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, textOf } from './client.ts';
import { startWorld, type World } from './world.ts';

const RACERS = 64;

describe.each(['memory', 'lmdb'] as const)('of racing writers one wins, on %s', (engine) => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ engine });
    await world.alice.put('/races');
  });
  afterAll(async () => {
    expect(world.errors).toEqual([]);
    await world.close();
  });

  const race = async (run: (racer: number) => Promise<Answer>) => {
    const answers = await Promise.all(Array.from({ length: RACERS }, (_, racer) => run(racer)));
    const winners = answers.flatMap(({ status }, racer) => (status === 200 ? [racer] : []));
    expect(winners.length).toBe(1);
    for (const [racer, { status, code }] of answers.entries()) {
      if (!winners.includes(racer))
        expect({ status, code }).toEqual({ status: 412, code: 'PreconditionFailed' });
    }
    return winners[0] ?? -1;
  };

  it('PutObject with If-None-Match: *', async () => {
    const winner = await race((racer) =>
      world.alice.put('/races/new', `racer ${racer}`, { 'if-none-match': '*' }),
    );
    expect(await world.alice.get('/races/new')).toMatchObject({ text: `racer ${winner}` });
  });

  it('PutObject with If-Match', async () => {
    const etag = String((await world.alice.put('/races/seen', 'before')).headers.etag);
    const winner = await race((racer) =>
      world.alice.put('/races/seen', `racer ${racer}`, { 'if-match': etag }),
    );
    expect(await world.alice.get('/races/seen')).toMatchObject({ text: `racer ${winner}` });
  });

  it('CompleteMultipartUpload with If-None-Match: *', async () => {
    const uploads = await Promise.all(
      Array.from({ length: RACERS }, async (_, racer) => {
        const id = textOf((await world.alice.post('/races/joined?uploads')).text, 'UploadId') ?? '';
        const part = await world.alice.put(`/races/joined?partNumber=1&uploadId=${id}`, `racer ${racer}`);
        return { id, etag: part.headers.etag };
      }),
    );
    const winner = await race((racer) => {
      const part = `<Part><PartNumber>1</PartNumber><ETag>${uploads[racer]?.etag}</ETag></Part>`;
      const body = `<CompleteMultipartUpload>${part}</CompleteMultipartUpload>`;
      const path = `/races/joined?uploadId=${uploads[racer]?.id}`;
      return world.alice.post(path, body, { 'if-none-match': '*' });
    });
    expect(await world.alice.get('/races/joined')).toMatchObject({ text: `racer ${winner}` });
  });

  it('CopyObject with If-None-Match: *', async () => {
    await world.alice.put('/races/source', 'bytes');
    const headers = { 'x-amz-copy-source': '/races/source', 'if-none-match': '*' };
    await race(() => world.alice.put('/races/copied', '', headers));
  });

  it('a reader sees one writer’s object whole', async () => {
    const bodies = Array.from({ length: 16 }, (_, i) => String.fromCharCode(97 + i).repeat(50_000));
    await world.alice.put('/races/swapped', bodies[0] ?? '');
    const [reads] = await Promise.all([
      Promise.all(Array.from({ length: 32 }, () => world.alice.get('/races/swapped'))),
      Promise.all(bodies.map((body) => world.alice.put('/races/swapped', body))),
    ]);
    for (const { text } of reads) expect(bodies.includes(text)).toBe(true);
  });
});
