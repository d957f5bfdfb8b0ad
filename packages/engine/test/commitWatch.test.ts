import { expect, it, vi } from 'vitest';
import { watchCommits } from '../src/lmdb/commitWatch.ts';

type OnStatus = (status: number) => unknown;

function fakeDatabase() {
  let report: OnStatus = () => undefined;
  const heard: number[] = [];
  const env = {
    startWriting(_address: number, onStatus: OnStatus) {
      report = onStatus;
    },
  };
  const onFailure = watchCommits({ env } as unknown as Parameters<typeof watchCommits>[0]);
  env.startWriting(1, (status) => heard.push(status));
  return { onFailure, heard, report: (status: number) => report(status) };
}

it('tells of a transaction that could not begin, which lmdb-js itself never settles', () => {
  const { onFailure, heard, report } = fakeDatabase();
  const reject = vi.fn();
  onFailure(reject);
  report(-30795);
  expect(reject).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: -30795 }));
  // As progress: lmdb-js would print the error.
  expect(heard).toEqual([1]);
});

it('names system errors', () => {
  const { onFailure, report } = fakeDatabase();
  const reject = vi.fn();
  onFailure(reject);
  report(5);
  expect(reject.mock.calls[0]?.[0]).toMatchObject({ code: 5, message: expect.stringContaining('EIO') });
});

it('takes done, progress and callbacks for what they are, and passes on what lmdb-js answers', () => {
  const { onFailure, heard, report } = fakeDatabase();
  const reject = vi.fn();
  onFailure(reject);
  expect([0, 1, 2].map(report)).toEqual([1, 2, 3]);
  expect(heard).toEqual([0, 1, 2]);
  expect(reject).not.toHaveBeenCalled();
});

it('refuses an lmdb-js whose transactions it can not watch', () => {
  expect(() => watchCommits({} as unknown as Parameters<typeof watchCommits>[0])).toThrow('unknown');
});
