/** Of 64 writers that race under a condition, exactly one wins; the others are told so, and the winner's bytes are there. */
import assert from 'node:assert/strict';
import { type Checks, runChecks, type Suite } from '../runner/suite.ts';
import { type Answer, Connection } from '../wire/connection.ts';
import { type Ask, requestBytes, signByHeader } from '../wire/request.ts';
import { type Caller, sendExpectingSuccess, signingOf, textsOf } from '../wire/send.ts';

const RACERS = 64;
const ROUNDS = 8;
const BUCKET = 'racing';
const WITHIN_MS = 30_000;
const PART_BYTES = 5 << 20;

/** Opens every connection first, then sends all requests in one turn of the event loop. */
async function race(caller: Caller, asks: readonly Ask[]): Promise<readonly Answer[]> {
  const connections = await Promise.all(asks.map(() => Connection.open(caller.endpoint)));
  try {
    const requests = asks.map((ask) => requestBytes(signByHeader(ask, signingOf(caller))));
    for (const [at, connection] of connections.entries()) connection.write(requests[at] ?? Buffer.alloc(0));
    return await Promise.all(
      connections.map((connection, at) =>
        connection.answer({ method: asks[at]?.method ?? 'GET', withinMs: WITHIN_MS }),
      ),
    );
  } finally {
    for (const connection of connections) connection.destroy();
  }
}

/** The place of the one that won. S3 tells losers 412, or 409 when it gave up on telling who was first. */
function onlyWinner(answers: readonly Answer[]): number {
  const winners = answers.flatMap(({ status }, at) => (status === 200 ? [at] : []));
  assert.equal(winners.length, 1, `${winners.length} won: ${answers.map(({ status }) => status).join(' ')}`);
  for (const { status, code } of answers) {
    assert.ok(
      status === 200 || code === 'PreconditionFailed' || code === 'ConditionalRequestConflict',
      `a loser was told ${status} ${code}`,
    );
  }
  return winners[0] ?? -1;
}

const bodyOf = (racer: number): string => `${racer}:${'x'.repeat(4096)}`;

async function expectBody(caller: Caller, path: string, body: string): Promise<void> {
  const { text } = await sendExpectingSuccess(caller, { path });
  assert.equal(text, body, 'what is stored is not what the winner sent');
}

/** Several rounds: one alone may be lucky. */
async function rounds(run: (round: number) => Promise<void>): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) await run(round);
}

async function startUpload(
  caller: Caller,
  path: string,
  body: string,
): Promise<{ id: string; etag: string }> {
  const created = await sendExpectingSuccess(caller, { method: 'POST', path: `${path}?uploads` });
  const [id = ''] = textsOf(created.text, 'UploadId');
  const part = await sendExpectingSuccess(caller, {
    method: 'PUT',
    path: `${path}?partNumber=1&uploadId=${id}`,
    body,
  });
  return { id, etag: part.headers.get('etag') ?? '' };
}

function completion(
  path: string,
  { id, etag }: { id: string; etag: string },
  condition: string,
  value: string,
): Ask {
  const part = `<Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part>`;
  return {
    method: 'POST',
    path: `${path}?uploadId=${id}`,
    headers: [[condition, value]],
    body: `<CompleteMultipartUpload>${part}</CompleteMultipartUpload>`,
  };
}

const checks: Checks<Caller> = {
  [`${RACERS} PutObject with If-None-Match *`]: (caller) =>
    rounds(async (round) => {
      const path = `/${BUCKET}/put-none-${round}`;
      const asks = Array.from({ length: RACERS }, (_, racer): Ask => {
        return { method: 'PUT', path, headers: [['If-None-Match', '*']], body: bodyOf(racer) };
      });
      await expectBody(caller, path, bodyOf(onlyWinner(await race(caller, asks))));
    }),

  [`${RACERS} PutObject with If-Match of the same ETag`]: (caller) =>
    rounds(async (round) => {
      const path = `/${BUCKET}/put-match-${round}`;
      const first = await sendExpectingSuccess(caller, { method: 'PUT', path, body: 'first' });
      const etag = first.headers.get('etag') ?? '';
      const asks = Array.from({ length: RACERS }, (_, racer): Ask => {
        return { method: 'PUT', path, headers: [['If-Match', etag]], body: bodyOf(racer) };
      });
      await expectBody(caller, path, bodyOf(onlyWinner(await race(caller, asks))));
    }),

  [`${RACERS} CompleteMultipartUpload of as many uploads with If-None-Match *`]: (caller) =>
    rounds(async (round) => {
      const path = `/${BUCKET}/complete-none-${round}`;
      const uploads = await Promise.all(
        Array.from({ length: RACERS }, (_, racer) => startUpload(caller, path, bodyOf(racer))),
      );
      const asks = uploads.map((upload) => completion(path, upload, 'If-None-Match', '*'));
      await expectBody(caller, path, bodyOf(onlyWinner(await race(caller, asks))));
    }),

  [`${RACERS} CompleteMultipartUpload of as many uploads with If-Match of the same ETag`]: (caller) =>
    rounds(async (round) => {
      const path = `/${BUCKET}/complete-match-${round}`;
      const first = await sendExpectingSuccess(caller, { method: 'PUT', path, body: 'first' });
      const uploads = await Promise.all(
        Array.from({ length: RACERS }, (_, racer) => startUpload(caller, path, bodyOf(racer))),
      );
      const etag = first.headers.get('etag') ?? '';
      const asks = uploads.map((upload) => completion(path, upload, 'If-Match', etag));
      await expectBody(caller, path, bodyOf(onlyWinner(await race(caller, asks))));
    }),

  [`${RACERS} CompleteMultipartUpload of one upload give one answer`]: (caller) =>
    rounds(async (round) => {
      const path = `/${BUCKET}/complete-same-${round}`;
      const upload = await startUpload(caller, path, bodyOf(round));
      const part = `<Part><PartNumber>1</PartNumber><ETag>${upload.etag}</ETag></Part>`;
      const ask: Ask = {
        method: 'POST',
        path: `${path}?uploadId=${upload.id}`,
        body: `<CompleteMultipartUpload>${part}</CompleteMultipartUpload>`,
      };
      const answers = await race(
        caller,
        Array.from({ length: RACERS }, () => ask),
      );
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
      assert.equal(new Set(answers.map(({ text }) => textsOf(text, 'ETag')[0])).size, 1);
      await expectBody(caller, path, bodyOf(round));
    }),

  [`${RACERS} PutObject without a condition: the object is one of them, whole`]: (caller) =>
    rounds(async (round) => {
      const path = `/${BUCKET}/put-last-${round}`;
      const asks = Array.from({ length: RACERS }, (_, racer): Ask => {
        return { method: 'PUT', path, body: bodyOf(racer) };
      });
      const answers = await race(caller, asks);
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
      const { text } = await sendExpectingSuccess(caller, { path });
      assert.equal(text, bodyOf(Number.parseInt(text, 10)));
    }),

  'one reader sees whole objects only, while they are replaced': async (caller) => {
    const path = `/${BUCKET}/replaced`;
    const body = (letter: string): string => letter.repeat(PART_BYTES);
    await sendExpectingSuccess(caller, { method: 'PUT', path, body: body('a') });
    const replacing = (async () => {
      for (const letter of 'bcdefghi') {
        await sendExpectingSuccess(caller, { method: 'PUT', path, body: body(letter) });
      }
    })();
    const reading = (async () => {
      for (let read = 0; read < 12; read++) {
        const { text } = await sendExpectingSuccess(caller, { path });
        assert.equal(text, body(text[0] ?? ''), 'a read saw bytes of two objects');
      }
    })();
    await Promise.all([replacing, reading]);
  },
};

export const racingSuite: Suite = {
  name: 'racing',
  run: async function* (stage) {
    const server = await stage.http();
    const caller: Caller = { endpoint: server.endpoint, credentials: server.accounts.main };
    await sendExpectingSuccess(caller, { method: 'PUT', path: `/${BUCKET}` });
    yield* runChecks(checks, caller);
  },
};
