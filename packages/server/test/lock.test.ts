import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openStoreLock, readLockHolder, readStoreState, type StoreLock } from '../src/store/lock.ts';
import { temporaryDirectory } from './facetProcess.ts';
import { noSmallDisk, smallDisk, takeTheRest } from './smallDisk.ts';

function openLock(path: string): StoreLock {
  const lock = openStoreLock(path);
  onTestFinished(() => lock.close());
  return lock;
}

/** A process that holds the whole store until it is killed. */
async function otherHolder(path: string) {
  const module = new URL('../src/store/lock.ts', import.meta.url).href;
  const script = `
    const { openStoreLock } = await import(${JSON.stringify(module)});
    const lock = openStoreLock(${JSON.stringify(path)});
    console.log(lock.tryLock('owner', 'exclusive') && lock.tryLock('instances', 'shared'));
    setInterval(() => lock, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const [said] = await once(child.stdout, 'data');
  return { child, said: String(said).trim() };
}

describe('the store lock', () => {
  test('one holds it exclusively, and its end gives it back', () => {
    const path = join(temporaryDirectory(), 'LOCK');
    const first = openLock(path);
    const second = openLock(path);
    expect(first.tryLock('owner', 'exclusive')).toBe(true);
    expect(second.tryLock('owner', 'exclusive')).toBe(false);
    expect(second.tryLock('owner', 'shared')).toBe(false);
    first.close();
    expect(second.tryLock('owner', 'exclusive')).toBe(true);
  });

  test('it is known of one before whether it ended with the store open', () => {
    const path = join(temporaryDirectory(), 'LOCK');
    const first = openLock(path);
    // Nothing is known of it.
    expect(readStoreState(path)).toBe('opening');
    first.describeHolder('the first');
    first.noteStore('open');
    first.close();
    const second = openLock(path);
    second.describeHolder('the second, of a longer name');
    expect([readLockHolder(path), readStoreState(path)]).toEqual(['the second, of a longer name', 'open']);
    second.noteStore('closed');
    expect([readLockHolder(path), readStoreState(path)]).toEqual(['the second, of a longer name', 'closed']);
    second.describeHolder('open');
    expect([readLockHolder(path), readStoreState(path)]).toEqual(['open', 'closed']);
  });

  test('what it says is kept on a full disk; where there never was room, it is said when there is', async ({
    skip,
  }) => {
    const why = noSmallDisk();
    skip(why !== undefined, why);
    const disk = await smallDisk({ megabytes: 1 });
    const path = join(disk.seen, 'LOCK');
    const filler = join(disk.seen, 'filler');
    const first = openLock(path);
    first.describeHolder('the first');
    first.noteStore('open');
    takeTheRest(filler);
    first.noteStore('closed');
    first.noteStore('opening');
    expect([readLockHolder(path), readStoreState(path)]).toEqual(['the first', 'opening']);
    first.close();
    const second = openLock(path);
    second.describeHolder('the second, of a longer name');
    expect([readLockHolder(path), readStoreState(path)]).toEqual(['the second, of a longer name', 'opening']);

    const newer = join(disk.seen, 'NEWER');
    const third = openLock(newer);
    takeTheRest(filler);
    third.describeHolder('the third');
    third.noteStore('open');
    expect([readFileSync(newer, 'utf8'), readLockHolder(newer)]).toEqual(['', undefined]);
    // So that whoever opens it next looks more closely.
    expect(readStoreState(newer)).toBe('opening');
    rmSync(filler);
    third.noteStore('open');
    expect([readLockHolder(newer), readStoreState(newer)]).toEqual(['the third', 'open']);
  });

  test('regions do not know of each other', () => {
    const path = join(temporaryDirectory(), 'LOCK');
    const first = openLock(path);
    const second = openLock(path);
    expect(first.tryLock('owner', 'exclusive')).toBe(true);
    expect(second.tryLock('instances', 'exclusive')).toBe(true);
  });

  test('many share it, and then nobody recovers', () => {
    const path = join(temporaryDirectory(), 'LOCK');
    const [first, second, recovery] = [openLock(path), openLock(path), openLock(path)];
    expect(first.tryLock('instances', 'shared')).toBe(true);
    expect(second.tryLock('instances', 'shared')).toBe(true);
    expect(recovery.tryLock('instances', 'exclusive')).toBe(false);
    first.unlock('instances');
    expect(recovery.tryLock('instances', 'exclusive')).toBe(false);
    second.unlock('instances');
    expect(recovery.tryLock('instances', 'exclusive')).toBe(true);
  });

  test('exclusive turns into shared and, alone, back', () => {
    const path = join(temporaryDirectory(), 'LOCK');
    const first = openLock(path);
    const second = openLock(path);
    expect(first.tryLock('instances', 'exclusive')).toBe(true);
    expect(first.tryLock('instances', 'shared')).toBe(true);
    expect(second.tryLock('instances', 'shared')).toBe(true);
    // Refused, and what was held before is still held.
    expect(first.tryLock('instances', 'exclusive')).toBe(false);
    second.unlock('instances');
    expect(second.tryLock('instances', 'exclusive')).toBe(false);
    expect(first.tryLock('instances', 'exclusive')).toBe(true);
  });

  test('kill -9 leaves no lock behind', async () => {
    const path = join(temporaryDirectory(), 'LOCK');
    const { child, said } = await otherHolder(path);
    expect(said).toBe('true');
    const lock = openLock(path);
    expect(lock.tryLock('owner', 'exclusive')).toBe(false);
    expect(lock.tryLock('instances', 'exclusive')).toBe(false);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(lock.tryLock('owner', 'exclusive')).toBe(true);
    expect(lock.tryLock('instances', 'exclusive')).toBe(true);
  });

  test('the holder says who it is', () => {
    const path = join(temporaryDirectory(), 'LOCK');
    const lock = openLock(path);
    expect(readLockHolder(path)).toBeUndefined();
    lock.describeHolder('a long name that is cut when a shorter one follows');
    lock.describeHolder('facet serve (pid 7)');
    expect(readLockHolder(path)).toBe('facet serve (pid 7)');
  });

  test('a folder that is not there is an error, not a lock', () => {
    expect(() => openStoreLock(join(temporaryDirectory(), 'no', 'LOCK'))).toThrow(/ENOENT/);
  });
});
