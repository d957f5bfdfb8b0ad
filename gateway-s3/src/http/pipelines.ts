import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * So many requests of one connection may wait for those before them. Node stops reading when answers pile up, but the
 * requests of a client that reads no answer pile up before there are any.
 */
const WAITING_MAX = 1000;

/**
 * Requests that were sent behind another, without awaiting its answer. Each has the socket when that one is sent: only then
 * may it read what the other one changed, or change what it reads.
 * @source RFC 9112 §9.3.2
 */
export class Pipelines {
  /** How many wait, by connection. */
  readonly #waiting = new WeakMap<Socket, number>();

  /** Has it begin when it is its turn. A connection of too many is ended. */
  await({ socket }: IncomingMessage, response: ServerResponse, begin: () => void): void {
    if (response.socket !== null) {
      begin();
      return;
    }
    const waiting = this.#waiting.get(socket) ?? 0;
    if (waiting === WAITING_MAX) {
      socket.destroy();
      return;
    }
    this.#waiting.set(socket, waiting + 1);
    response.once('socket', () => {
      this.#waiting.set(socket, (this.#waiting.get(socket) ?? 1) - 1);
      begin();
    });
  }
}
