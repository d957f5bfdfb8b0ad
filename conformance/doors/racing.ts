/** Both doors at one name at once: no torn content, no name lost, and of two that make one name one wins. */
import assert from 'node:assert/strict';
import type { Checks } from '../runner/suite.ts';
import { fileAppears, runPython, type World } from './world.ts';

const BODY_BYTES = 256 << 10;
const NFS_WRITES = 150;
const CREATED = 200;

/** Writes of one letter each, of one length: anything else was put together from two. */
async function raceOn(world: World, name: string, write: readonly string[]): Promise<void> {
  const { mount, objects, tell } = world;
  const begun = `${mount.shared}/${name}-begun`;
  await objects.put(name, Buffer.alloc(BODY_BYTES, 'A'));
  let done = false;
  const writing = runPython(world, [
    'import os, mmap',
    `open(${JSON.stringify(begun)}, "w").close()`,
    `for at in range(${NFS_WRITES}):`,
    `    body = bytes([97 + at % 26]) * ${BODY_BYTES}`,
    ...write.map((line) => `    ${line}`),
  ]).finally(() => {
    done = true;
  });
  await fileAppears(begun, writing);
  let [puts, gets] = [0, 0];
  const letters = new Set<string>();
  const putting = (async () => {
    while (!done) {
      await objects.put(name, Buffer.alloc(BODY_BYTES, 65 + (puts % 26)));
      puts += 1;
    }
  })();
  const getting = (async () => {
    while (!done) {
      const body = (await objects.get(name)) ?? Buffer.alloc(0);
      gets += 1;
      assert.equal(body.length, BODY_BYTES, 'a length that nobody wrote');
      assert.ok(body.equals(Buffer.alloc(BODY_BYTES, body.subarray(0, 1))), 'torn content');
      letters.add(body.toString('latin1', 0, 1));
    }
  })();
  await Promise.all([writing, putting, getting]);
  const read = await mount.run(`cat ${name} | head -c 1; stat -c %s ${name}; ls -A | grep -c '^${name}$'`);
  assert.match(read, new RegExp(`^[A-Za-z]${BODY_BYTES}\n1\n$`));
  assert.deepEqual(
    (await objects.list(name)).filter((key) => key === name),
    [name],
  );
  const both = [/[a-z]/, /[A-Z]/].every((kind) => [...letters].some((letter) => kind.test(letter)));
  tell(`${NFS_WRITES} writes by NFS, ${puts} PUTs, ${gets} GETs, content of both seen: ${both}`);
}

export const racing: Checks<World> = {
  'PUT against a rename over the name': (world) =>
    raceOn(world, 'raced-rename', [
      'with open("raced-temporary", "wb") as f: f.write(body)',
      'os.rename("raced-temporary", "raced-rename")',
    ]),

  'PUT against writes into the file': (world) =>
    raceOn(world, 'raced-write', [
      // Past the page cache: one WRITE of the whole.
      'f = os.open("raced-write", os.O_WRONLY | os.O_DIRECT)',
      `m = mmap.mmap(-1, ${BODY_BYTES}); m.write(body)`,
      'assert os.pwrite(f, m, 0) == len(body)',
      'os.close(f)',
    ]),

  'PUT and DELETE against create and remove: the name is there or not, by both doors': async (world) => {
    const { mount, objects } = world;
    const begun = `${mount.shared}/churn-begun`;
    let done = false;
    const churning = runPython(world, [
      'import os',
      `open(${JSON.stringify(begun)}, "w").close()`,
      'os.makedirs("churn", exist_ok=True)',
      `for at in range(${NFS_WRITES}):`,
      '    try:',
      '        with open(f"churn/{at % 5}", "wb") as f: f.write(b"nfs")',
      '        os.unlink(f"churn/{(at + 2) % 5}")',
      '    except (FileNotFoundError, OSError) as error:',
      '        assert error.errno in (2, 116), error',
    ]).finally(() => {
      done = true;
    });
    await fileAppears(begun, churning);
    for (let at = 0; !done; at++) {
      await objects.put(`churn/${at % 5}`, 's3');
      await objects.remove(`churn/${(at + 3) % 5}`);
    }
    await churning;
    const shown = (await mount.run('ls -A churn 2>/dev/null || true')).split('\n').filter(Boolean).sort();
    const listed = (await objects.list('churn/')).filter((key) => !key.endsWith('/'));
    assert.deepEqual(
      listed,
      shown.map((name) => `churn/${name}`),
    );
  },

  'a conditional PUT against an exclusive create: one wins each name': async (world) => {
    const { mount, objects, tell } = world;
    const begun = `${mount.shared}/created-begun`;
    await objects.put('created/', '');
    const creating = runPython(world, [
      'import os',
      `open(${JSON.stringify(begun)}, "w").close()`,
      'won = []',
      `for at in range(${CREATED}):`,
      '    try: f = os.open(f"created/{at}", os.O_CREAT | os.O_EXCL | os.O_WRONLY)',
      '    except FileExistsError: continue',
      '    os.write(f, b"nfs"); os.close(f); won.append(at)',
      'print(*won)',
    ]);
    await fileAppears(begun, creating);
    const wonByS3: number[] = [];
    // From the other end, so that they meet; the last of S3's are the first of NFS's.
    for (let at = CREATED - 1; at >= 0; at--) {
      const { status } = await objects.send(`created/${at}`, {
        method: 'PUT',
        headers: [['If-None-Match', '*']],
        body: 's3',
      });
      assert.ok([200, 409, 412].includes(status), `a conditional PUT answered ${status}`);
      if (status === 200) wonByS3.push(at);
    }
    const wonByNfs = (await creating).trim().split(' ').filter(Boolean).map(Number);
    const all = [...wonByS3, ...wonByNfs].sort((a, b) => a - b);
    assert.deepEqual(
      all,
      Array.from({ length: CREATED }, (_, at) => at),
    );
    for (const at of wonByS3) assert.equal((await objects.get(`created/${at}`))?.toString(), 's3');
    for (const at of wonByNfs) assert.equal((await objects.get(`created/${at}`))?.toString(), 'nfs');
    tell(`of ${CREATED} names S3 won ${wonByS3.length}, NFS ${wonByNfs.length}`);
  },
};
