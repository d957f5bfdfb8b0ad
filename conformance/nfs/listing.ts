/** A very large directory, listed while names come and go and the server is killed: what stays is told once, no more, no less. */
import assert from 'node:assert/strict';
import {
  Cursor,
  HANDLE_BYTES_MAX,
  handleFound,
  NO_ATTRIBUTES,
  NOENT,
  OK,
  opaque,
  passPostOpAttributes,
  place,
  RpcConnection,
  words,
} from '@facet/nfs-client';
import type { Checks } from '../runner/suite.ts';
import { fill } from './fill.ts';
import type { Objects } from './objects.ts';
import type { TwoDoors } from './server.ts';

export interface Listing {
  readonly server: TwoDoors;
  readonly volume: string;
  readonly objects: Objects;
  /** How many names stay. */
  readonly names: number;
  tell(line: string): void;
}

type Procedure = 'READDIR' | 'READDIRPLUS';

const CLIENT = '127.0.3.9';
const DIRECTORY = 'names';
/** Of every so many names one goes, at some time during a listing. */
const ONE_GOES_OF = 20;
const PAGE_BYTES = 16 << 10;
const VERIFIER_BYTES = 8;
const NAME_BYTES_MAX = 255;
const GUARDED = Buffer.concat([words(1), NO_ATTRIBUTES]);
const TOLD_NAMES_MAX = 10;

interface Page {
  readonly names: readonly string[];
  /** Where the next one begins: a cookie and a verifier as they were given. */
  readonly next: Buffer;
  readonly end: boolean;
}

const FROM_THE_START: Buffer = Buffer.alloc(8 + VERIFIER_BYTES);

/** @source RFC 1813 §3.3.16, §3.3.17 */
function readPage(results: Buffer, procedure: Procedure): Page {
  const from = new Cursor(results);
  passPostOpAttributes(from);
  const verifier = from.fixed(VERIFIER_BYTES);
  const names: string[] = [];
  let cookie: Buffer = Buffer.alloc(8);
  while (from.bool()) {
    from.fixed(8);
    names.push(from.opaque(NAME_BYTES_MAX).toString());
    cookie = from.fixed(8);
    if (procedure === 'READDIR') continue;
    passPostOpAttributes(from);
    if (from.bool()) from.opaque(HANDLE_BYTES_MAX);
  }
  const end = from.bool();
  from.end();
  return { names, next: Buffer.concat([cookie, verifier]), end };
}

/** One client with the directory open. */
class Client {
  readonly #connection: RpcConnection;
  readonly #directory: Buffer;
  static #xid = 1_000;

  private constructor(connection: RpcConnection, directory: Buffer) {
    this.#connection = connection;
    this.#directory = directory;
  }

  static async open({ server, volume }: Listing): Promise<Client> {
    const connection = await RpcConnection.open({ port: server.nfsPort, localAddress: CLIENT });
    const root = await connection.mount(`/${volume}`);
    const found = await connection.call({
      xid: Client.#xid++,
      procedure: 'LOOKUP',
      args: place(root, DIRECTORY),
    });
    return new Client(connection, handleFound(found));
  }

  async page(procedure: Procedure, position: Buffer): Promise<Page> {
    const room = procedure === 'READDIR' ? words(PAGE_BYTES) : words(PAGE_BYTES, PAGE_BYTES);
    const args = Buffer.concat([opaque(this.#directory), position, room]);
    const { status, results } = await this.#connection.call({ xid: Client.#xid++, procedure, args });
    assert.equal(status, OK, `${procedure} answered ${status}`);
    return readPage(results, procedure);
  }

  async create(name: string): Promise<void> {
    const args = Buffer.concat([place(this.#directory, name), GUARDED]);
    const { status } = await this.#connection.call({ xid: Client.#xid++, procedure: 'CREATE', args });
    assert.equal(status, OK, `CREATE ${name} answered ${status}`);
  }

  async remove(name: string): Promise<void> {
    const args = place(this.#directory, name);
    const { status } = await this.#connection.call({ xid: Client.#xid++, procedure: 'REMOVE', args });
    assert.notEqual(status, NOENT, `REMOVE ${name} found nothing`);
    assert.equal(status, OK, `REMOVE ${name} answered ${status}`);
  }

  close(): void {
    this.#connection.close();
  }
}

const stays = (at: number): string => `stays-${at}`;
const goes = (procedure: Procedure, at: number): string => `goes-${procedure}-${at}`;

/** What stays and what goes in turns, so that names go before and behind the place where a listing is. */
async function makeDirectory(world: Listing): Promise<void> {
  const { names, tell } = world;
  const keys = Array.from({ length: names }, (_, at) =>
    at % ONE_GOES_OF > 0
      ? [stays(at)]
      : [stays(at), goes('READDIR', at / ONE_GOES_OF), goes('READDIRPLUS', at / ONE_GOES_OF)],
  ).flat();
  const started = performance.now();
  await fill(
    world,
    keys.map((name) => `${DIRECTORY}/${name}`),
  );
  tell(`${keys.length} names made in ${((performance.now() - started) / 1000).toFixed(0)} s`);
}

async function listWhileNamesChange(world: Listing, procedure: Procedure): Promise<void> {
  const { server, names, tell } = world;
  // Each comes once and goes once, so that none of these may be told twice either.
  const going = Array.from({ length: names / ONE_GOES_OF }, (_, at) => goes(procedure, at));
  const told = new Map<string, number>();
  let client = await Client.open(world);
  let [listed, pages, kills] = [0, 0, 0];
  const started = performance.now();
  for (let position = FROM_THE_START, end = false; !end; ) {
    const page = await client.page(procedure, position);
    for (const name of page.names) told.set(name, (told.get(name) ?? 0) + 1);
    listed += page.names.length;
    pages += 1;
    ({ next: position, end } = page);
    const [behind, ahead] = [going.shift(), going.pop()];
    assert.ok(behind !== undefined && ahead !== undefined, 'there are fewer names that go than pages');
    await client.remove(behind);
    await client.remove(ahead);
    await client.create(`came-${procedure}-${pages}`);
    if (kills === 0 && listed >= names / 2) {
      client.close();
      await server.kill();
      await server.restart();
      client = await Client.open(world);
      kills += 1;
    }
  }
  client.close();
  assert.equal(kills, 1, 'the listing ended before the server was killed');
  const twice = [...told].filter(([, times]) => times > 1).map(([name]) => name);
  assert.deepEqual(twice.slice(0, TOLD_NAMES_MAX), [], `${twice.length} names were told more than once`);
  const skipped = Array.from({ length: names }, (_, at) => stays(at)).filter((name) => !told.has(name));
  assert.deepEqual(skipped.slice(0, TOLD_NAMES_MAX), [], `${skipped.length} names that stay were skipped`);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  tell(
    `${procedure}: ${listed} names in ${pages} pages, with ${3 * pages} changes and a kill, in ${seconds} s`,
  );
}

export const listing: Checks<Listing> = {
  'a directory of 20,000 names (a million with --large) is made by both doors': makeDirectory,
  'READDIR tells each name that stays once, while others come and go, over a kill': (world) =>
    listWhileNamesChange(world, 'READDIR'),
  'READDIRPLUS, too': (world) => listWhileNamesChange(world, 'READDIRPLUS'),
};
