/** Many clients at once until they are told to stop, or the server is gone. */
import { setTimeout as delay } from 'node:timers/promises';
import { textsOf } from '../wire/send.ts';
import { LoadClient, ownKeys, TASKS, type Task } from './loadClient.ts';
import { abort, BUCKET, complete, pathOf, told, type World } from './objects.ts';
import type { Random } from './random.ts';
import { PutOff, Silence, Unanswered } from './unanswered.ts';

const RETRY_MS = 20;

export interface LoadOptions extends World {
  readonly round: string;
  readonly clients: number;
  readonly keysEach: number;
  readonly random: Random;
  /** No client begins anything after. */
  readonly until: AbortSignal;
  /** Whether the server is there still, though a request got no answer. */
  readonly isThere: () => boolean;
}

/** @returns the clients that got no answer. @throws Silence of a server that is there; Error at an answer that is none */
export async function runLoad(options: LoadOptions): Promise<number> {
  const { round, clients, keysEach, random, until, isThere } = options;
  const deck: Task[] = [];
  const deal = (): Task => {
    if (deck.length === 0) deck.push(...random.shuffled(TASKS));
    return deck.pop() ?? { do: 'read' };
  };
  const ends = await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      const own = random.fork(`${round}.${client}`);
      const keys = ownKeys(client, keysEach);
      const member = new LoadClient({ ...options, client, keys, random: own });
      while (!until.aborted) {
        try {
          await member.do(deal());
        } catch (error) {
          if (!(error instanceof Unanswered || error instanceof PutOff)) throw error;
          if (until.aborted || !isThere()) return 1;
          if (error instanceof Silence) throw error;
          // One of its processes was killed, or has too much to do.
          await delay(RETRY_MS);
        }
      }
      return 0;
    }),
  );
  return ends.reduce<number>((sum, end) => sum + end, 0);
}

/**
 * Ends every upload that was under way when the server died: a Complete that nobody answered is sent again and must
 * succeed, whatever became of the first; so must one of which only the parts had been acknowledged.
 */
export async function resumeUploads(world: World, options: { readonly round: string }): Promise<void> {
  const { ledger, s3, onFault } = world;
  let ops = 0;
  for (const upload of ledger.uploads()) {
    ops += 1;
    if (upload.closing === 'abort' || upload.parts.size === 0) await abort(world, upload, true);
    else await complete(world, `${options.round}.resumed.${ops}`, upload);
  }
  // Those of which the client never learned the id.
  const reply = await s3.send({ path: `/${BUCKET}?uploads` });
  const text = reply.body.toString('utf8');
  if (reply.status !== 200) return onFault(`ListMultipartUploads was answered ${told(reply)}`);
  const ids = textsOf(text, 'UploadId');
  for (const [at, key] of textsOf(text, 'Key').entries()) {
    const stray = await s3.send({ method: 'DELETE', path: pathOf(key, `?uploadId=${ids[at] ?? ''}`) });
    if (stray.status !== 204) onFault(`the abort of a stray upload to ${key} was answered ${told(stray)}`);
  }
}

/** @throws Error when there is no bucket afterwards */
export async function ensureBucket({ s3 }: World): Promise<void> {
  const reply = await s3.send({ method: 'PUT', path: `/${BUCKET}` });
  // In us-east-1 S3 answers its owner 200 again.
  if (reply.status !== 200 && reply.status !== 409)
    throw new Error(`CreateBucket was answered ${told(reply)}`);
}
