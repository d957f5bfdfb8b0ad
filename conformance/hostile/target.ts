/** What hostile requests are aimed at: one bucket with one object and one upload under way, and proof that it stays so. */
import type { Server } from '../server/launch.ts';
import { type Caller, sendExpectingSuccess, textsOf } from '../wire/send.ts';

export const SEED_KEY = 'seed';
export const SEED_BODY = '0123456789';

export interface Target {
  readonly caller: Caller;
  /** Another account, which owns `strangersBucket`. */
  readonly stranger: Caller;
  readonly bucket: string;
  readonly strangersBucket: string;
  /** Of the key `upload`, with parts 1 and 2 of the same five bytes. */
  readonly uploadId: string;
  readonly partEtag: string;
  /** What {@link stateOf} told last. */
  readonly seen: { state: string };
}

type Aim = Omit<Target, 'partEtag' | 'seen'>;

export async function makeTarget(server: Server): Promise<Target> {
  const caller: Caller = { endpoint: server.endpoint, credentials: server.accounts.main };
  const stranger: Caller = { endpoint: server.endpoint, credentials: server.accounts.alt };
  const bucket = 'hostile-target';
  const strangersBucket = 'hostile-strangers';
  await sendExpectingSuccess(caller, { method: 'PUT', path: `/${bucket}` });
  await sendExpectingSuccess(stranger, { method: 'PUT', path: `/${strangersBucket}` });
  await sendExpectingSuccess(stranger, { method: 'PUT', path: `/${strangersBucket}/theirs`, body: 'secret' });
  await sendExpectingSuccess(caller, { method: 'PUT', path: `/${bucket}/${SEED_KEY}`, body: SEED_BODY });
  const created = await sendExpectingSuccess(caller, { method: 'POST', path: `/${bucket}/upload?uploads` });
  const [uploadId = ''] = textsOf(created.text, 'UploadId');
  const putPart = (partNumber: number) =>
    sendExpectingSuccess(caller, {
      method: 'PUT',
      path: `/${bucket}/upload?partNumber=${partNumber}&uploadId=${uploadId}`,
      body: 'bytes',
    });
  const part = await putPart(1);
  await putPart(2);
  const partEtag = part.headers.get('etag') ?? '';
  const aim = { caller, stranger, bucket, strangersBucket, uploadId };
  return { ...aim, partEtag, seen: { state: await stateOf(aim) } };
}

/** Everything the account can see that a request might have changed, as one text. Also: the server serves. */
export async function stateOf({ caller, stranger, bucket, strangersBucket, uploadId }: Aim): Promise<string> {
  const read = async (who: Caller, path: string): Promise<string> => {
    const { text } = await sendExpectingSuccess(who, { path });
    return text.replace(/<(?:RequestId|HostId)>[^<]*<\/[^>]*>/g, '');
  };
  const views = await Promise.all([
    read(caller, '/'),
    read(caller, `/${bucket}?versions`),
    read(caller, `/${bucket}?uploads`),
    read(caller, `/${bucket}/upload?uploadId=${uploadId}`),
    read(caller, `/${bucket}/${SEED_KEY}`),
    read(caller, `/${bucket}/${SEED_KEY}?tagging`),
    read(stranger, '/'),
    read(stranger, `/${strangersBucket}?versions`),
  ]);
  return views.join('\n');
}
