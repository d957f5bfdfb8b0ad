import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from './world.ts';

let world: World;
let etag = '';
let modified = '';
beforeAll(async () => {
  world = await startWorld();
  await world.alice.put('/conditions');
  etag = String((await world.alice.put('/conditions/key', 'body')).headers.etag);
  modified = String((await world.alice.head('/conditions/key')).headers['last-modified']);
});
afterAll(() => world.close());

const shifted = (seconds: number) => new Date(Date.parse(modified) + seconds * 1000).toUTCString();
const other = '"00000000000000000000000000000000"';

describe('reading with conditions', () => {
  it.each<[string, () => Record<string, string>, number]>([
    ['If-Match of it', () => ({ 'if-match': etag }), 200],
    ['If-Match of it, bare', () => ({ 'if-match': etag.slice(1, -1) }), 200],
    ['If-Match *', () => ({ 'if-match': '*' }), 200],
    ['If-Match in a list', () => ({ 'if-match': `${other}, ${etag}` }), 200],
    ['If-Match of another', () => ({ 'if-match': other }), 412],
    ['If-None-Match of it', () => ({ 'if-none-match': etag }), 304],
    ['If-None-Match of it, weak', () => ({ 'if-none-match': `W/${etag}` }), 304],
    ['If-None-Match of another', () => ({ 'if-none-match': other }), 200],
    ['If-Modified-Since then', () => ({ 'if-modified-since': modified }), 304],
    ['If-Modified-Since before', () => ({ 'if-modified-since': shifted(-1) }), 200],
    ['If-Modified-Since nonsense', () => ({ 'if-modified-since': 'yesterday' }), 200],
    ['If-Unmodified-Since then', () => ({ 'if-unmodified-since': modified }), 200],
    ['If-Unmodified-Since before', () => ({ 'if-unmodified-since': shifted(-1) }), 412],
    // RFC 9110 §13.2.2: where an entity tag speaks, the date of the same kind is silent.
    ['If-Match holds, date does not', () => ({ 'if-match': etag, 'if-unmodified-since': shifted(-1) }), 200],
    [
      'If-None-Match holds, date does not',
      () => ({ 'if-none-match': other, 'if-modified-since': modified }),
      200,
    ],
    ['If-Match and If-None-Match of it', () => ({ 'if-match': etag, 'if-none-match': etag }), 304],
    ['If-Match fails first', () => ({ 'if-match': other, 'if-none-match': etag }), 412],
  ])('%s', async (_name, headers, status) => {
    for (const answer of [
      await world.alice.get('/conditions/key', headers()),
      await world.alice.head('/conditions/key', headers()),
    ]) {
      expect(answer.status).toBe(status);
      if (status === 304) {
        expect(answer).toMatchObject({ text: '' });
        expect(answer.headers.etag).toBe(etag);
        expect(answer.headers['content-length']).toBeUndefined();
      }
    }
  });

  it('every date form of HTTP is read', async () => {
    const date = new Date(Date.parse(modified) - 1000);
    const [weekday = '', day = '', month = '', year = '', time = ''] = date.toUTCString().split(/,? /);
    const long = {
      Sun: 'Sunday',
      Mon: 'Monday',
      Tue: 'Tuesday',
      Wed: 'Wednesday',
      Thu: 'Thursday',
      Fri: 'Friday',
      Sat: 'Saturday',
    }[weekday];
    for (const form of [
      date.toUTCString(),
      `${long}, ${day}-${month}-${year.slice(2)} ${time} GMT`,
      `${weekday} ${month} ${day.replace(/^0/, ' ')} ${time} ${year}`,
    ]) {
      expect(await world.alice.get('/conditions/key', { 'if-unmodified-since': form }), form).toMatchObject({
        status: 412,
      });
    }
  });

  it('If-Range of another version sends the whole', async () => {
    const range = 'bytes=0-1';
    expect(await world.alice.get('/conditions/key', { range, 'if-range': etag })).toMatchObject({
      text: 'bo',
    });
    expect(await world.alice.get('/conditions/key', { range, 'if-range': modified })).toMatchObject({
      text: 'bo',
    });
    expect(await world.alice.get('/conditions/key', { range, 'if-range': other })).toMatchObject({
      text: 'body',
    });
  });
});

describe('writing with conditions', () => {
  it('If-None-Match: * creates only', async () => {
    const once = { 'if-none-match': '*' };
    expect(await world.alice.put('/conditions/new', 'one', once)).toMatchObject({ status: 200 });
    const refused = await world.alice.put('/conditions/new', 'two', once);
    expect(refused).toMatchObject({ status: 412, code: 'PreconditionFailed' });
    expect(await world.alice.get('/conditions/new')).toMatchObject({ text: 'one' });
  });

  it('If-Match replaces only what was seen', async () => {
    const first = await world.alice.put('/conditions/seen', 'one');
    const seen = { 'if-match': String(first.headers.etag) };
    expect(await world.alice.put('/conditions/seen', 'two', seen)).toMatchObject({ status: 200 });
    expect(await world.alice.put('/conditions/seen', 'three', seen)).toMatchObject({ status: 412 });
    expect(await world.alice.put('/conditions/gone', 'x', seen)).toMatchObject({
      status: 404,
      code: 'NoSuchKey',
    });
    expect(await world.alice.get('/conditions/seen')).toMatchObject({ text: 'two' });
  });

  it('If-Match deletes only what was seen', async () => {
    const put = await world.alice.put('/conditions/doomed', 'x');
    const wrong = await world.alice.delete('/conditions/doomed', { 'if-match': other });
    expect(wrong).toMatchObject({ status: 412, code: 'PreconditionFailed' });
    const right = { 'if-match': String(put.headers.etag) };
    expect(await world.alice.delete('/conditions/doomed', right)).toMatchObject({ status: 204 });
    expect(await world.alice.delete('/conditions/doomed', right)).toMatchObject({ status: 404 });
    expect(await world.alice.delete('/conditions/doomed')).toMatchObject({ status: 204 });
  });
});
