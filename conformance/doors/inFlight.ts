/** A GET that is on its way while the mount changes its file: one whole version, the one it began with. */
import assert from 'node:assert/strict';
import { randomBytesOf } from '../runner/randomFile.ts';
import type { Checks } from '../runner/suite.ts';
import { Connection } from '../wire/connection.ts';
import { requestBytes, signByHeader } from '../wire/request.ts';
import { signingOf } from '../wire/send.ts';
import { sha256Hex } from '../wire/sigv4.ts';
import type { World } from './world.ts';

/** More than sockets and server hold together. */
const BODY_BYTES = 16 << 20;
const WITHIN_MS = 120_000;

/** What the mount does while the answer stands still: to `in-flight`, and to nothing else. */
const CHANGES: Readonly<Record<string, string>> = {
  overwrites: 'dd if=/dev/zero of=in-flight bs=1M count=16 conv=notrunc,fsync status=none',
  'overwrites the end of': 'printf end | dd of=in-flight bs=1M seek=14 conv=notrunc,fsync status=none',
  truncates: 'truncate -s 5 in-flight',
  'writes anew': 'printf new > in-flight',
  removes: 'rm in-flight',
  'renames over': 'printf other > other; mv other in-flight',
};

async function expectWhole({ caller, volume, mount, objects }: World, command: string): Promise<void> {
  const body = Buffer.concat([...randomBytesOf({ lengthBytes: BODY_BYTES, seed: 5 })]);
  const etag = await objects.put('in-flight', body);
  const connection = await Connection.open(caller.endpoint);
  try {
    connection.socket.pause();
    connection.write(requestBytes(signByHeader({ path: `/${volume}/in-flight` }, signingOf(caller))));
    await new Promise((resolve) => connection.socket.once('readable', resolve));
    await mount.run(command);
    connection.socket.resume();
    const answer = await connection.answer({ method: 'GET', withinMs: WITHIN_MS });
    assert.equal(answer.status, 200);
    assert.equal(answer.body.length, BODY_BYTES);
    assert.equal(sha256Hex(answer.body), sha256Hex(body), 'what came is not what was there when it began');
  } finally {
    connection.destroy();
  }
  assert.notEqual(await objects.etag('in-flight'), etag, 'the next request sees no change');
}

export const inFlight: Checks<World> = Object.fromEntries(
  Object.entries(CHANGES).map(([what, command]) => [
    `a GET on its way while NFS ${what} the file`,
    (world: World) => expectWhole(world, command),
  ]),
);
