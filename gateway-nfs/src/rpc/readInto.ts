/**
 * Reads a socket into the same memory again and again. By itself Node takes 64 KiB for each chunk, the shortest too,
 * and with that much of it V8 collects garbage most of the time (see memory.ts). Node's `onread` option does the same
 * as this, but only for sockets that connect, not for those that are accepted.
 */
import type { Socket } from 'node:net';

/** One for all sockets: what is in it is used before another is read from. */
const MEMORY = Buffer.allocUnsafeSlow(256 << 10);

/** What libuv calls when bytes came; false stops the reading. */
type Take = (lengthBytes: number, memory: Buffer) => boolean;

/** To be called once, when the socket is new. A chunk is good until `take` returns. */
export function readInto(socket: Socket, take: (chunk: Buffer) => void): void {
  const inside = insideOf(socket);
  if (!inside) {
    socket.on('data', take);
    return;
  }
  const taken: Take = (lengthBytes) => {
    take(MEMORY.subarray(0, lengthBytes));
    return true;
  };
  Reflect.set(socket, inside.buffer, MEMORY);
  Reflect.set(socket, inside.take, taken);
  inside.handle.useUserBuffer(MEMORY);
  socket.resume();
}

interface Inside {
  readonly handle: { useUserBuffer(memory: Buffer): void };
  readonly buffer: symbol;
  readonly take: symbol;
}

/** What `onread` sets; undefined where Node has it otherwise. */
function insideOf(socket: Socket): Inside | undefined {
  const symbols = Object.getOwnPropertySymbols(socket);
  const buffer = symbols.find(({ description }) => description === 'kBuffer');
  const take = symbols.find(({ description }) => description === 'kBufferCb');
  const handle: unknown = Reflect.get(socket, '_handle');
  return buffer && take && takesMemory(handle) ? { handle, buffer, take } : undefined;
}

function takesMemory(handle: unknown): handle is Inside['handle'] {
  return (
    typeof handle === 'object' &&
    handle !== null &&
    'useUserBuffer' in handle &&
    typeof handle.useUserBuffer === 'function'
  );
}
