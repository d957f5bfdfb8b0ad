import { containerId } from '@facet/extents';
import { describe, expect, it } from 'vitest';
import { wasteOf } from '../../src/space/wastefulSegments.ts';

describe('what a segment wastes', () => {
  const info = { container: containerId(1), kind: 'segment', sizeBytes: 1 << 20 } as const;
  const waste = (allocatedBytes: number, deadBytes: number) =>
    wasteOf({ ...info, allocatedBytes }, deadBytes);

  it('is what it takes of the disk beyond what is alive', () => {
    expect(waste(1 << 20, 1 << 19)).toMatchObject({ wasteBytes: 1 << 19, liveBytes: 1 << 19 });
    expect(waste(1 << 20, 1 << 17)).toBeUndefined();
    // Given back already.
    expect(waste(5 << 17, 1 << 19)).toBeUndefined();
  });

  it('counts for less than the file itself when hardly anything is alive', () => {
    expect(waste(8192, (1 << 20) - 6000)).toMatchObject({ liveBytes: 6000 });
    expect(waste(0, 1 << 20)).toBeUndefined();
  });

  it('is nobody else’s in a dedicated container', () => {
    expect(wasteOf({ ...info, kind: 'dedicated', allocatedBytes: 1 << 20 }, 1 << 19)).toBeUndefined();
  });
});
