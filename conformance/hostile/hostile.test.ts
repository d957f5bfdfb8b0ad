/** The whole table against the real server process: what `npm run build` made, over real sockets. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BUILT_COMMANDS, type Server, startServer } from '../server/launch.ts';
import { checkRow, put, type Row, signed, wire } from './row.ts';
import { TABLE } from './table.ts';
import { makeTarget, type Target } from './target.ts';

let server: Server;
let target: Target;

beforeAll(async () => {
  server = await startServer({ launcher: BUILT_COMMANDS, tls: false });
  target = await makeTarget(server);
});

afterAll(() => server?.stop());

test('the table is as long as it should be', () => {
  const rows = Object.values(TABLE).flat();
  expect(rows.length).toBeGreaterThanOrEqual(150);
  for (const part of Object.values(TABLE)) {
    expect(new Set(part.map(({ name }) => name)).size).toBe(part.length);
  }
});

describe.each(Object.entries(TABLE))('%s', (_, rows) => {
  test.each(rows)('$name', (row) => checkRow(row, target));
});

// Last, since it leaves what it stored.
test('a request that does store something is found', async () => {
  const row: Row = {
    name: 'an ordinary PUT',
    send: (aim) => wire(signed(aim, put(aim))),
    expect: { status: 200 },
  };
  await expect(checkRow(row, target)).rejects.toThrow(/it changed what is stored/);
});
