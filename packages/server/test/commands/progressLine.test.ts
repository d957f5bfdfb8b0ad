import { expect, test } from 'vitest';
import { ProgressLine, progressText } from '../../src/commands/progressLine.ts';

const CLEARED = '\r\u001b[K';
const PROGRESS = { bytes: 500 << 20, bytesExpected: 1 << 30 };

/** @returns what came of one line that was shown twice, and cleared */
function written(stream: { readonly isTTY?: boolean }, isWanted: boolean): string[] {
  const texts: string[] = [];
  const line = new ProgressLine({ ...stream, write: (text) => texts.push(text) }, { isWanted });
  line.show({ bytes: 17_613, bytesExpected: 0 });
  line.show(PROGRESS);
  line.clear();
  return texts;
}

test('it is drawn over itself, and leaves nothing behind', () => {
  const shown = written({ isTTY: true }, true);
  expect(shown).toEqual([`${CLEARED}17.2 KiB so far`, `${CLEARED}${progressText(PROGRESS)}`, CLEARED]);
  expect(shown.join('')).not.toContain('\n');
});

test('nothing is written where it is not wanted, or nobody looks', () => {
  expect(written({ isTTY: true }, false)).toEqual([]);
  expect(written({ isTTY: false }, true)).toEqual([]);
  // As a file or a pipe has it.
  expect(written({}, true)).toEqual([]);
});

test('the bar is never full before the end, and none is drawn while that is not known', () => {
  expect(progressText({ bytes: 17_613, bytesExpected: 0 })).toBe('17.2 KiB so far');
  expect(progressText(PROGRESS)).toBe(`[${'#'.repeat(15)}${'-'.repeat(15)}] 48 %  500 MiB of about 1.0 GiB`);
  expect(progressText({ bytes: 3 << 20, bytesExpected: 1 << 20 })).toContain(' 99 %');
});
