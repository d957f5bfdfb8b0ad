import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { DIRECT_BLOCK_BYTES, NodeDisk } from '../src/index.ts';
import { LoneWriter } from '../src/loneWriter.ts';
import { inTemporaryFolder } from './fixtures.ts';

interface Write {
  /** Of others, that the loop hears of meanwhile if it is free to. */
  readonly events?: number;
  readonly ms?: number;
}

/** A writer of whose writes it is told how long they take, and who else was there. */
class Rig {
  #now = 0;
  #events = 0;
  readonly #writer = new LoneWriter({ now: () => this.#now, eventsHandled: () => this.#events });

  /** @returns h for those made here, e for those made elsewhere */
  async make(count: number, { events = 0, ms = 0.3 }: Write = {}): Promise<string> {
    let made = '';
    for (let at = 0; at < count; at += 1) {
      const written = await this.#writer.make({
        here: () => {
          this.#now += ms;
          made += 'h';
          return at;
        },
        elsewhere: async () => {
          this.#now += ms;
          this.#events += 1 + events;
          made += 'e';
          return at;
        },
      });
      expect(written).toBe(at);
      // The next request.
      this.#events += 1;
    }
    return made;
  }
}

const LOOK = 'e'.repeat(8);
const HERE = 'h'.repeat(32);

describe('a lone writer', () => {
  it('makes writes here after some with nobody else there, and looks again every so often', async () => {
    expect(await new Rig().make(8 + 33 * 3)).toBe(`${LOOK}${HERE}e${HERE}e${HERE}e`);
  });

  it('makes none here while others are there, and begins anew once they are gone', async () => {
    const rig = new Rig();
    expect(await rig.make(100, { events: 1 })).toBe('e'.repeat(100));
    expect(await rig.make(7)).toBe('e'.repeat(7));
    expect(await rig.make(1, { events: 3 })).toBe('e');
    expect(await rig.make(8 + 32)).toBe(LOOK + HERE);
    expect(await rig.make(1, { events: 1 })).toBe('e');
    expect(await rig.make(9)).toBe(`${LOOK}h`);
  });

  it('looks again after a slow one, and waits for no slow device', async () => {
    const rig = new Rig();
    expect(await rig.make(10)).toBe(`${LOOK}hh`);
    expect(await rig.make(1, { ms: 2 })).toBe('h');
    expect(await rig.make(3)).toBe('ehh');
    expect(await rig.make(50, { ms: 2 })).toBe(`h${'e'.repeat(49)}`);
    expect(await rig.make(3)).toBe('ehh');
  });
});

describe('the disk of the machine', () => {
  it('has the thread that waits make small durable writes, unless there are others', async () => {
    await inTemporaryFolder(async (folder) => {
      const disk = new NodeDisk(join(folder, 'disk'));
      await disk.makeDirectory('');
      const file = await disk.create('f', 'durable direct');
      const block = disk.memory(DIRECT_BLOCK_BYTES).fill(1);
      /** How many of so many writes were over before the loop had its next turn. */
      const madeHere = async (count: number): Promise<number> => {
        let here = 0;
        for (let at = 0; at < count; at += 1) {
          let hasTurned = false;
          const turned = turn().then(() => {
            hasTurned = true;
          });
          await file.write({ position: 0, buffers: [block] });
          if (!hasTurned) here += 1;
          await turned;
        }
        return here;
      };
      const { directBytes } = disk.counts;
      await file.write({ position: 0, buffers: [block] });
      // Else the file system cannot write past its cache, where a worker thread makes all. On a busy machine many are held up.
      if (disk.counts.directBytes > directBytes)
        await expect.poll(() => madeHere(100), { timeout: 20_000 }).toBeGreaterThan(0);
      // Of 400, nearly all where nobody talks. A span of 32 or more is, where a busy machine lets nobody talk for a while.
      await withTalk(async () => expect(await madeHere(400)).toBeLessThanOrEqual(160));
      await file.close();
    });
  });
});

/** While two ends of a connection of this process have something to say all the time. */
async function withTalk(use: () => Promise<void>): Promise<void> {
  const answer = (socket: Socket) =>
    socket.on('data', (word) => void socket.write(word)).on('error', () => socket.destroy());
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const sockets = Array.from({ length: 4 }, () => connect({ host: '127.0.0.1', port }));
  try {
    for (const socket of sockets) {
      await once(socket, 'connect');
      answer(socket).write('word');
    }
    await use();
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}
