import { crc32c } from '@facet/journal';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BLOCK_BYTES,
  BlockChecksums,
  damagedBlock,
  decodeHeader,
  encodeHeader,
  FRAME_DATA_BYTES,
  type FrameHeader,
  headerLength,
} from '../src/frame.ts';
import { encodeFrames } from '../src/frameRun.ts';
import { containerId, physicalLength } from '../src/index.ts';
import { bytesOf } from './fixtures.ts';

/*
 * The golden bytes come from a program of its own, in Python with a table-driven CRC-32C, written from the
 * layout at the head of frame.ts alone: struct.pack('>HHIQQQQII', 1, header length, store, container, offset,
 * content, file offset, data length, 32768) after the magic, then the table, then the header's CRC.
 */
const SHORT_FRAME =
  '8946414345540d0a00010040000000000000000100000002000000000000100000000000000000070000010000000005' +
  '000000150000800027bf533a94f69bbe4661636574206b65657073206f6e6520636f70792e';
const LONG_HEADER = `8946414345540d0a000100bc0000000000000000000000030000000000000000001fffffffffffff000000000000000000008001000080006cf206fb527d5351${'0'.repeat(240)}94edc3c2`;

const anyHeader = fc
  .record({
    store: fc.nat(0xffffffff),
    container: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).map(containerId),
    offset: fc.maxSafeNat(),
    owner: fc.record({ contentId: fc.maxSafeNat(), fileOffset: fc.maxSafeNat() }),
    dataLength: fc.integer({ min: 1, max: 3 * BLOCK_BYTES }),
  })
  .map((fields): FrameHeader => ({ ...fields, headerLength: headerLength(fields.dataLength) }));

function encoded(header: FrameHeader, data: Uint8Array): Buffer {
  const checksums = new BlockChecksums();
  checksums.add(data);
  const bytes = Buffer.alloc(header.headerLength);
  encodeHeader(header, checksums, bytes);
  return bytes;
}

describe('CRC-32C', () => {
  it('gives the check value of its catalogue entry, for any view and in pieces', () => {
    const text = Uint8Array.from(Buffer.from('..123456789'));
    expect(crc32c(text.subarray(2))).toBe(0xe3069283);
    expect(crc32c(text.subarray(5), crc32c(text.subarray(2, 5)))).toBe(0xe3069283);
  });
});

describe('frames', () => {
  it('are these bytes when short', () => {
    const location = { store: 0, container: containerId(0x1_0000_0002), offset: 4096, length: 21 };
    const data = [Buffer.from('Facet keeps'), Buffer.alloc(0), Buffer.from(' one copy.')];
    const owner = { contentId: 7, fileOffset: 2 ** 40 + 5 };
    expect(Buffer.concat(encodeFrames(location, { owner, data })).toString('hex')).toBe(SHORT_FRAME);
  });

  it('have this header when longer than a block', () => {
    const data = Buffer.from(Array.from({ length: BLOCK_BYTES + 1 }, (_, index) => (index * 7) & 255));
    const location = { store: 0, container: containerId(3), offset: 0, length: data.length };
    const owner = { contentId: Number.MAX_SAFE_INTEGER, fileOffset: 0 };
    const bytes = Buffer.concat(encodeFrames(location, { owner, data: [data] }));
    expect(bytes.subarray(0, 188).toString('hex')).toBe(LONG_HEADER);
    expect(bytes.subarray(188).equals(data)).toBe(true);
  });

  it('lie where arithmetic says', () => {
    for (const length of [
      1,
      BLOCK_BYTES,
      BLOCK_BYTES + 1,
      FRAME_DATA_BYTES,
      FRAME_DATA_BYTES + 1,
      2_500_000,
    ]) {
      const location = { store: 0, container: containerId(1), offset: 10, length };
      const data = bytesOf(length, length);
      const bytes = Buffer.concat(
        encodeFrames(location, { owner: { contentId: 1, fileOffset: 5 }, data: [data] }),
      );
      expect(bytes.length).toBe(physicalLength(location));
      for (let done = 0, at = 0; done < length; done += FRAME_DATA_BYTES) {
        const header = decodeHeader(bytes.subarray(at));
        expect(header?.owner.fileOffset).toBe(5 + done);
        expect(header?.offset).toBe(10 + at);
        expect(header?.dataLength).toBe(Math.min(FRAME_DATA_BYTES, length - done));
        at += headerLength(length) + FRAME_DATA_BYTES;
      }
    }
  });

  it('decode to what was encoded', () => {
    fc.assert(
      fc.property(anyHeader, (header) => {
        const data = Buffer.alloc(header.dataLength, 9);
        const bytes = encoded(header, data);
        expect(decodeHeader(Buffer.concat([bytes, data]))).toEqual(header);
        expect(damagedBlock(bytes, data, 0)).toBeUndefined();
      }),
    );
  });

  it('say which block is damaged, also from a later block on', () => {
    const data = bytesOf(5 * BLOCK_BYTES + 77, 3);
    const header = encoded(
      {
        store: 0,
        container: containerId(1),
        offset: 0,
        owner: { contentId: 1, fileOffset: 0 },
        headerLength: headerLength(data.length),
        dataLength: data.length,
      },
      data,
    );
    const damaged = Buffer.from(data);
    damaged.writeUInt8(damaged.readUInt8(4 * BLOCK_BYTES) ^ 1, 4 * BLOCK_BYTES);
    expect(damagedBlock(header, damaged, 0)).toBe(4);
    expect(damagedBlock(header, damaged.subarray(2 * BLOCK_BYTES), 2)).toBe(4);
    expect(damagedBlock(header, damaged.subarray(5 * BLOCK_BYTES), 5)).toBeUndefined();
  });

  it('are refused when any byte of the header is wrong or missing', () => {
    for (const golden of [SHORT_FRAME, LONG_HEADER]) {
      const bytes = Buffer.from(golden, 'hex');
      const length = decodeHeader(bytes)?.headerLength ?? 0;
      expect(length).toBeGreaterThan(0);
      for (let at = 0; at < length; at++) {
        expect(decodeHeader(bytes.subarray(0, at))).toBeUndefined();
        for (const mask of [0x01, 0x80, 0xff]) {
          const wrong = Buffer.from(bytes);
          wrong.writeUInt8(wrong.readUInt8(at) ^ mask, at);
          expect(decodeHeader(wrong), `byte ${at}`).toBeUndefined();
        }
      }
    }
  });

  it('are refused when their fields make no sense, be the checksum right', () => {
    const places = { version: [8, 2], dataLength: [48, 4], blockSize: [52, 4], container: [16, 4] } as const;
    const wrongs = [
      [places.version, 2],
      [places.dataLength, 0],
      [places.dataLength, FRAME_DATA_BYTES + 1],
      [places.dataLength, BLOCK_BYTES + 1],
      [places.blockSize, 4096],
      [places.container, 0xffffffff],
    ] as const;
    for (const [[at, size], value] of wrongs) {
      const bytes = Buffer.from(SHORT_FRAME, 'hex').subarray(0, 64);
      bytes.writeUIntBE(value, at, size);
      bytes.writeUInt32BE(crc32c(bytes.subarray(0, 60)), 60);
      expect(decodeHeader(bytes), `${value} at ${at}`).toBeUndefined();
    }
  });

  it('are not seen in random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(decodeHeader(Buffer.from(bytes))).toBeUndefined();
      }),
    );
  });
});
