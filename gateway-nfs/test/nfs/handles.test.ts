/** File handles: sealed with a key, the same for as long as the key is. */
import { createHmac } from 'node:crypto';
import { inodeId, volumeId } from '@facet/core';
import { expect, it } from 'vitest';
import { FileHandles } from '../../src/nfs/handles.ts';

const KEY = Buffer.alloc(32, 1);
const FILE = {
  volume: volumeId(0x1234_5678_9abc),
  inode: inodeId(Number.MAX_SAFE_INTEGER),
  generation: 0xfedc_ba98,
};

it('has the bytes that it says it has', () => {
  const head = Buffer.from('0100123456789abc001ffffffffffffffedcba98', 'hex');
  const mac = createHmac('sha256', KEY).update(head).digest().subarray(0, 8);
  expect(new FileHandles(KEY).encode(FILE)).toEqual(Buffer.concat([head, mac]));
});

it('is good with the key it was made with, and with no other', () => {
  const handle = new FileHandles(KEY).encode(FILE);
  expect(new FileHandles(Buffer.from(KEY)).decode(handle)).toEqual(FILE);
  expect(new FileHandles(Buffer.alloc(32, 2)).decode(handle)).toBeUndefined();
});

it('keeps no memory alive but its own while it is remembered', () => {
  const handles = new FileHandles(KEY);
  const made = handles.encode(FILE);
  handles.decode(made);
  const known = handles.encode(FILE);
  expect(known).not.toBe(made);
  expect(known.buffer.byteLength).toBe(made.length);
});

it('needs a key of 32 bytes', () => {
  expect(() => new FileHandles(Buffer.alloc(31))).toThrow(RangeError);
});

it('is told from any other of the same inode, also once it is known', () => {
  const handles = new FileHandles(KEY);
  const handle = handles.encode(FILE);
  for (let at = 0; at < handle.length; at += 1) {
    const other = Buffer.from(handle);
    other[at] = (other[at] ?? 0) ^ 1;
    expect(handles.decode(other)).toBeUndefined();
  }
  const next = { ...FILE, generation: FILE.generation + 1 };
  const elsewhere = { ...FILE, volume: volumeId(7) };
  for (const file of [next, FILE, elsewhere, FILE]) {
    const fresh = new FileHandles(KEY);
    expect(handles.encode(file)).toEqual(fresh.encode(file));
    expect(handles.decode(fresh.encode(file))).toEqual(file);
  }
});

it('that is known does not change with the memory it was read from', () => {
  const handles = new FileHandles(KEY);
  const handle = new FileHandles(KEY).encode(FILE);
  const memory = Buffer.from(handle);
  expect(handles.decode(memory)).toEqual(FILE);
  memory.fill(0, 20);
  expect(handles.decode(memory)).toBeUndefined();
  expect(handles.decode(handle)).toEqual(FILE);
});
