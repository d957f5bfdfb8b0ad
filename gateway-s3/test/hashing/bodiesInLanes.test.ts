import { createHash, randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { BodiesInLanes } from '../../src/hashing/bodiesInLanes.ts';
import { type Answer, newMemory, SLOT_BYTES, SLOTS, slotAddress } from '../../src/hashing/messages.ts';

async function hashed(count: number): Promise<{ readonly found: string[]; readonly wanted: string[] }> {
  const memory = newMemory();
  const answers: Answer[] = [];
  const bodies = new BodiesInLanes(memory, (answer) => answers.push(answer));
  const wanted = Array.from({ length: count }, (_, body) => {
    const bytes = randomBytes(SLOT_BYTES - 100 * body);
    Buffer.from(memory.buffer, slotAddress(body)).set(bytes);
    bodies.take({ kind: 'open', body, algorithms: ['SHA256', 'MD5'] });
    bodies.take({ kind: 'update', body, slot: body, lengthBytes: bytes.length });
    return createHash('md5').update(bytes).digest('hex');
  });
  await turn();
  expect(answers.map((answer) => answer.kind === 'digested' && answer.slot).toSorted()).toEqual([
    ...wanted.keys(),
  ]);
  for (const body of wanted.keys()) bodies.take({ kind: 'end', body });
  const found = answers.flatMap((answer) => {
    const values = answer.kind === 'digests' ? new Map(answer.values) : new Map();
    const md5 = values.get('MD5');
    return md5 ? [Buffer.from(md5).toString('hex')] : [];
  });
  return { found, wanted };
}

test('bodies go side by side', async () => {
  const { found, wanted } = await hashed(SLOTS);
  expect(found).toEqual(wanted);
});

test('and one by one where there are no vectors', async () => {
  const compiled = vi.spyOn(WebAssembly, 'Module').mockImplementation(() => {
    throw new Error('Wasm SIMD unsupported');
  });
  onTestFinished(() => compiled.mockRestore());
  const { found, wanted } = await hashed(SLOTS);
  expect(compiled).toHaveBeenCalledOnce();
  expect(found).toEqual(wanted);
});
