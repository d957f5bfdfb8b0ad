import { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { head, Wire } from './wire.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.alice.put('/wire');
});
afterAll(async () => {
  expect(world.errors).toEqual([]);
  await world.close();
});

describe('Expect: 100-continue', () => {
  const expecting = (length: number) => ({ expect: '100-continue', 'content-length': String(length) });

  it('is answered once the head is found good', async () => {
    const wire = new Wire(world.port);
    wire.write(head(world.alice, 'PUT', '/wire/continued', expecting(5)));
    expect(await wire.until(/\r\n\r\n/)).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    wire.write('hello');
    expect(await wire.until(/200 OK/)).toContain('HTTP/1.1 200 OK');
    // The connection serves on.
    wire.write(head(world.alice, 'GET', '/wire/continued', {}));
    expect(await wire.until(/hello$/)).toMatch(/hello$/);
    wire.socket.destroy();
  });

  it.each<[string, string, Record<string, string>, string]>([
    ['no such bucket', '/no-such-bucket/key', {}, 'NoSuchBucket'],
    ['a bad header', '/wire/key', { 'content-md5': 'nonsense' }, 'InvalidDigest'],
    ['too large', '/wire/key', { 'content-length': '5368709121' }, 'EntityTooLarge'],
    ['an unimplemented header', '/wire/key', { 'x-amz-server-side-encryption': 'aws:kms' }, 'NotImplemented'],
  ])(
    'is not: %s',
    async (_name, path, headers, code) => {
      const wire = new Wire(world.port);
      wire.write(head(world.alice, 'PUT', path, { ...expecting(5), ...headers }));
      const answer = await wire.end();
      expect(answer).not.toContain('100 Continue');
      expect(answer).toContain(`<Code>${code}</Code>`);
      expect(answer.toLowerCase()).toContain('connection: close');
      // Nor is a body waited for that will not come.
    },
    30_000,
  );

  it('is not answered to a wrong signature', async () => {
    const wire = new Wire(world.port);
    const liar = world.alice.as({ ...world.alice.credentials, secretKey: 'wrong' });
    wire.write(head(liar, 'PUT', '/wire/key', expecting(5)));
    const answer = await wire.end();
    expect(answer).not.toContain('100 Continue');
    expect(answer).toContain('<Code>SignatureDoesNotMatch</Code>');
  });
});

describe('a body that nobody reads', () => {
  it('is dropped when small, and the connection serves on', async () => {
    const wire = new Wire(world.port);
    const body = 'x'.repeat(100_000);
    wire.write(head(world.alice, 'PUT', '/no-such-bucket/key', { 'content-length': String(body.length) }));
    await wire.until(/<\/Error>$/);
    wire.write(body);
    wire.write(head(world.alice, 'HEAD', '/wire', {}));
    expect(await wire.until(/200 OK/)).toContain('HTTP/1.1 200 OK');
    wire.socket.destroy();
  });

  it('ends the connection when large, after the answer', async () => {
    const wire = new Wire(world.port);
    wire.write(head(world.alice, 'PUT', '/no-such-bucket/key', { 'content-length': String(1 << 30) }));
    // A client that sends before it reads must not be reset before it sees why.
    const piece = Buffer.alloc(1 << 20);
    let sentBytes = 0;
    const pump = () => {
      if (wire.ended || !wire.socket.writable || sentBytes >= 1 << 29) return;
      sentBytes += piece.length;
      wire.socket.write(piece, () => pump());
    };
    pump();
    const answer = await wire.end();
    expect(answer).toContain('<Code>NoSuchBucket</Code>');
    expect(answer.toLowerCase()).toContain('connection: close');
    expect(sentBytes).toBeLessThan(1 << 28);
  });

  it('that is cut short stores nothing', async () => {
    const wire = new Wire(world.port);
    wire.write(head(world.alice, 'PUT', '/wire/cut', { 'content-length': '1000' }));
    wire.write('only this');
    wire.socket.end();
    const answer = await wire.end();
    if (answer !== '') expect(answer).toContain('<Code>IncompleteBody</Code>');
    expect(await world.alice.head('/wire/cut')).toMatchObject({ status: 404 });
  });
});

describe('what is no request', () => {
  it.each([
    ['nonsense', 'NONSENSE\r\n\r\n', 'BadRequest'],
    ['a bad header', 'GET / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n', 'BadRequest'],
    [
      'two lengths',
      'PUT /a/b HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
      'BadRequest',
    ],
    [
      'length and chunks',
      'PUT /a/b HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      'BadRequest',
    ],
    [
      'huge headers',
      `GET / HTTP/1.1\r\nhost: x\r\nx-big: ${'v'.repeat(40_000)}\r\n\r\n`,
      'RequestHeaderSectionTooLarge',
    ],
    [
      'large headers',
      `GET / HTTP/1.1\r\nhost: x\r\nx-big: ${'v'.repeat(9000)}\r\n\r\n`,
      'RequestHeaderSectionTooLarge',
    ],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 'BadRequest'],
  ])('%s', async (_name, bytes, code) => {
    const wire = new Wire(world.port);
    wire.write(bytes);
    const answer = await wire.until(/<\/Error>/);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain(`<Code>${code}</Code>`);
    expect(answer.toLowerCase()).toContain('x-amz-request-id: ');
    wire.socket.destroy();
  });

  describe('behind requests that came whole', () => {
    // What is so long goes to the disk, and is not answered yet when the parser comes to what follows.
    const body = (word: string) => word.repeat(5000);
    const put = (key: string, word: string, headers: Record<string, string> = {}) =>
      head(world.alice, 'PUT', `/wire/${key}`, { 'content-length': String(body(word).length), ...headers }) +
      body(word);
    const stored = async (key: string) => (await world.alice.get(`/wire/${key}`)).text;
    const statuses = (answer: string) =>
      [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));

    it('does not take their answers away', async () => {
      const wire = new Wire(world.port);
      wire.write(`${put('kept', 'first')}NONSENSE\r\n\r\n`);
      const answer = await wire.end();
      expect(statuses(answer)).toEqual([200, 400]);
      expect(answer).toMatch(/<Code>BadRequest<\/Code>.*$/s);
      expect(await stored('kept')).toBe(body('first'));
    });

    it('is answered after all of them, once', async () => {
      const wire = new Wire(world.port);
      wire.write(`${put('kept-1', 'first')}${put('kept-2', 'second')}NONSENSE\r\n\r\n`);
      wire.write('NONSENSE\r\n\r\n');
      expect(statuses(await wire.end())).toEqual([200, 200, 400]);
      expect([await stored('kept-1'), await stored('kept-2')]).toEqual(['first', 'second'].map(body));
    });

    it('nor cuts an answer short that is long', async () => {
      const large = Buffer.alloc(8 << 20, 'x');
      await world.alice.put('/wire/long', large);
      const wire = new Wire(world.port);
      wire.write(`${head(world.alice, 'GET', '/wire/long', {})}NONSENSE\r\n\r\n`);
      const answer = await wire.end();
      expect(answer.split('x'.repeat(1 << 20))).toHaveLength(9);
      expect(answer).toMatch(/x+HTTP\/1\.1 400 /);
    });

    it('may be the body of the next, which is what is refused', async () => {
      const wire = new Wire(world.port);
      const chunked = head(world.alice, 'PUT', '/wire/garbled', {
        'transfer-encoding': 'chunked',
        'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        'x-amz-decoded-content-length': '5',
      });
      wire.write(`${put('kept-3', 'third')}${chunked}NONSENSE\r\n`);
      expect(statuses(await wire.end())).toEqual([200, 400]);
      expect(await stored('kept-3')).toBe(body('third'));
      expect(await world.alice.head('/wire/garbled')).toMatchObject({ status: 404 });
    });

    it('has no answer where the one before is the last', async () => {
      const wire = new Wire(world.port);
      wire.write(`${put('last', 'last', { connection: 'close' })}NONSENSE\r\n\r\n`);
      expect(statuses(await wire.end())).toEqual([200]);
      expect(await stored('last')).toBe(body('last'));
    });
  });

  it('an absolute URL in the request line is its path', async () => {
    const wire = new Wire(world.port);
    wire.write('GET http://somewhere.test/wire/key HTTP/1.1\r\nhost: x\r\n\r\n');
    const answer = await wire.until(/<\/Error>/);
    expect(answer).toContain(
      '<Code>AccessDenied</Code><Message>Access Denied</Message><Resource>/wire/key</Resource>',
    );
    wire.socket.destroy();
  });
});

describe('connections', () => {
  it('carry requests one after another, pipelined too', async () => {
    const wire = new Wire(world.port);
    await world.alice.put('/wire/p1', 'first');
    await world.alice.put('/wire/p2', 'second');
    wire.write(head(world.alice, 'GET', '/wire/p1', {}) + head(world.alice, 'GET', '/wire/p2', {}));
    const answer = await wire.until(/second$/);
    expect(answer).toMatch(/first[\s\S]*second$/);
    wire.socket.destroy();
  });

  it('have each request done before the next one, sent without awaiting its answer', async () => {
    const wire = new Wire(world.port);
    const put = (text: string) =>
      `${head(world.alice, 'PUT', '/wire/turns', { 'content-length': String(text.length) })}${text}`;
    const get = head(world.alice, 'GET', '/wire/turns', {});
    const remove = head(world.alice, 'DELETE', '/wire/turns', {});
    wire.write(`${put('one')}${get}${put('other')}${get}${remove}${get}`);
    const answer = await wire.until(/NoSuchKey/);
    expect(answer.match(/HTTP\/1.1 \d+/g)).toEqual(
      [200, 200, 200, 200, 204, 404].map((s) => `HTTP/1.1 ${s}`),
    );
    expect(answer).toMatch(/\r\n\r\noneHTTP[\s\S]*\r\n\r\notherHTTP/);
    wire.socket.destroy();
  });

  it('have a body that comes with its head, and nobody waits for it', async () => {
    // From now on sender and bucket are known, so that nothing is waited for before the body.
    await world.alice.put('/wire/small', 'before');
    const on = vi.spyOn(IncomingMessage.prototype, 'on');
    const wire = new Wire(world.port);
    wire.write(`${head(world.alice, 'PUT', '/wire/small', { 'content-length': '5' })}small`);
    await wire.until(/200 OK/);
    const events = on.mock.calls.map(([event]) => event);
    on.mockRestore();
    expect(events).not.toContain('readable');
    expect((await world.alice.get('/wire/small')).text).toBe('small');
    wire.socket.destroy();
  });

  it('let go of an object whose reader is gone', async () => {
    await world.alice.put('/wire/held', Buffer.alloc(8 << 20));
    let held = 0;
    const { objects } = world.core;
    const open = objects.open.bind(objects);
    const spy = vi.spyOn(objects, 'open').mockImplementation(async (args) => {
      const object = await open(args);
      held += 1;
      let closed = false;
      return {
        info: object.info,
        read: (range) => object.read(range),
        readAtOnce: (range) => object.readAtOnce(range),
        stream: (range) => object.stream(range),
        part: (number) => object.part(number),
        parts: (page) => object.parts(page),
        close: () => {
          if (!closed) held -= 1;
          closed = true;
          object.close();
        },
      };
    });
    const wire = new Wire(world.port);
    wire.write(head(world.alice, 'GET', '/wire/held', {}));
    await wire.until(/\r\n\r\n/);
    expect(held).toBe(1);
    wire.socket.destroy();
    await expect.poll(() => held).toBe(0);
    // Nor does what was asked for behind it hold one.
    const behind = new Wire(world.port);
    behind.write(Array.from({ length: 5 }, () => head(world.alice, 'GET', '/wire/held', {})).join(''));
    await behind.until(/\r\n\r\n/);
    await expect.poll(() => held).toBe(1);
    behind.socket.destroy();
    await expect.poll(() => held).toBe(0);
    for (const range of ['bytes=0-9', 'bytes=99999999-']) await world.alice.get('/wire/held', { range });
    await world.alice.get('/wire/held', { 'if-none-match': '*' });
    await world.alice.head('/wire/held?partNumber=1');
    expect(held).toBe(0);
    spy.mockRestore();
  });

  it('of readers who stop reading hold nobody up, and little memory', async () => {
    const size = 8 << 20;
    await world.alice.put('/wire/large', Buffer.alloc(size, 'x'));
    const before = process.memoryUsage().rss;
    const stalled = Array.from({ length: 50 }, () => {
      const wire = new Wire(world.port);
      wire.write(head(world.alice, 'GET', '/wire/large', {}));
      return wire;
    });
    await Promise.all(
      stalled.map(async (wire) => {
        await wire.until(/\r\n\r\n/);
        wire.socket.pause();
      }),
    );
    expect(await world.alice.put('/wire/beside', 'x')).toMatchObject({ status: 200 });
    const whole = await world.alice.get('/wire/large');
    expect(whole.body.length).toBe(size);
    // 50 × 8 MiB would be 400 MiB.
    expect(process.memoryUsage().rss - before).toBeLessThan(200 << 20);
    for (const wire of stalled) wire.socket.destroy();
    await Promise.all(stalled.map((wire) => wire.end()));
    expect(await world.alice.delete('/wire/large')).toMatchObject({ status: 204 });
  });
});

it('closing lets requests under way finish', async () => {
  const other = await startWorld();
  await other.alice.put('/closing');
  const wire = new Wire(other.port);
  wire.write(head(other.alice, 'PUT', '/closing/key', { 'content-length': '10', expect: '100-continue' }));
  await wire.until(/100 Continue/);
  const closed = other.close();
  wire.write('0123456789');
  const answer = await wire.end();
  expect(answer).toContain('HTTP/1.1 200 OK');
  expect(answer.toLowerCase()).toContain('connection: close');
  await closed;
});
