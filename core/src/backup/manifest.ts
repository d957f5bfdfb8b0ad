/**
 * A manifest names all that one backup consists of. First block: schema u8, time u64 (milliseconds), changes u64, bytes of
 * the metadata's file u64, bytes copied by this backup u64, containers u64, number of small files u16, of each name and
 * bytes, number of suspicious runs u32, of each container, offset and length u64 and the reason; damaged records u64, the
 * first of them u16, of each the key; damaged places of the data u64 (what is absent at the end: none). Then blocks of containers, in order of id, of each: id u64, segment
 * u8, sealed u8, length u64, bytes u64, number of stretches u16, of each end u64 and CRC-32C u32.
 */

import { Buffer } from 'node:buffer';
import {
  type ContainerId,
  type ContainerInfo,
  containerId,
  type Disk,
  type PhysicalRun,
} from '@facet/extents';
import { Reader, Writer } from '../meta/codec.ts';
import { type DamagedMetadata, damagedMetadata } from '../scrub/metadata.ts';
import { CheckedWriter, damagedFile, type FileIdentity, readBlocks } from './checkedFile.ts';

const SCHEMA = 1;
const CONTAINERS_PER_BLOCK = 10_000;
/** Each backup may add one to a segment that is still written to. */
export const STRETCHES_MAX = 0xffff;

/** A small file of the data directory. */
export interface SmallFile {
  readonly name: string;
  readonly bytes: Buffer;
}

/** From the end of the one before on. */
interface Stretch {
  readonly end: number;
  /** Of all its bytes, those of holes as zeros. */
  readonly crc: number;
}

export interface CopiedContainer {
  readonly container: ContainerId;
  readonly kind: ContainerInfo['kind'];
  /** Nothing was written to it any more when it was copied: there is no more of it. */
  readonly sealed: boolean;
  /** Its length in the store: zeros follow the last stretch. */
  readonly sizeBytes: number;
  /** Of frames that were copied. */
  readonly frameBytes: number;
  readonly stretches: readonly Stretch[];
}

/** Bytes of the store that were not as they were written when they were copied; whose they are is not said. */
export interface SuspiciousRun extends PhysicalRun {
  readonly reason: string;
}

/** More is damage that a list does not help with. */
export const DAMAGED_RECORDS_LISTED_MAX = 1_000;

export interface Manifest {
  readonly takenMs: number;
  readonly changes: number;
  readonly metadataBytes: number;
  readonly copiedBytes: number;
  readonly smallFiles: readonly SmallFile[];
  readonly suspicious: readonly SuspiciousRun[];
  /** Of metadata, that were damaged in the store and so are not in the backup; the first thousand. */
  readonly damagedRecords: readonly DamagedMetadata[];
  readonly damagedRecordCount: number;
  /** Of what is suspicious, as many as anything referred to: damage of the store that is in the backup. */
  readonly damagedPlaceCount: number;
  /** In order of id. */
  readonly containers: readonly CopiedContainer[];
}

export const endOfCopy = ({ stretches }: Pick<CopiedContainer, 'stretches'>): number =>
  stretches.at(-1)?.end ?? 0;

/** Resolves when it is on stable storage, but for its directory entry. @throws errors of the disk */
export async function writeManifest(
  disk: Disk,
  {
    name,
    identity,
    manifest,
  }: { readonly name: string; readonly identity: FileIdentity; readonly manifest: Manifest },
): Promise<void> {
  const file = await CheckedWriter.create(disk, name, identity);
  try {
    await file.block(encodeSummary(manifest));
    const { containers } = manifest;
    for (let at = 0; at < containers.length; at += CONTAINERS_PER_BLOCK) {
      const writer = new Writer(CONTAINERS_PER_BLOCK * 64);
      for (const one of containers.slice(at, at + CONTAINERS_PER_BLOCK)) writeContainer(writer, one);
      await file.block(writer.done());
    }
    await file.finish();
  } finally {
    await file.close();
  }
}

function encodeSummary(manifest: Manifest): Buffer {
  const { takenMs, changes, metadataBytes, copiedBytes, containers } = manifest;
  const { smallFiles, suspicious } = manifest;
  const writer = new Writer().u8(SCHEMA).u64(takenMs).u64(changes).u64(metadataBytes).u64(copiedBytes);
  writer.u64(containers.length).u16(smallFiles.length);
  for (const { name, bytes } of smallFiles) writer.text(name).bytes(bytes);
  writer.u32(suspicious.length);
  for (const { container, offset, length, reason } of suspicious)
    writer.u64(container).u64(offset).u64(length).text(reason);
  writer.u64(manifest.damagedRecordCount).u16(manifest.damagedRecords.length);
  for (const { key } of manifest.damagedRecords) writer.bytes(Buffer.from(key, 'hex'));
  writer.u64(manifest.damagedPlaceCount);
  return writer.done();
}

function writeContainer(writer: Writer, one: CopiedContainer): void {
  const { container, kind, sealed, sizeBytes, frameBytes, stretches } = one;
  writer
    .u64(container)
    .u8(kind === 'segment' ? 1 : 0)
    .u8(sealed ? 1 : 0)
    .u64(sizeBytes)
    .u64(frameBytes);
  writer.u16(stretches.length);
  for (const { end, crc } of stretches) writer.u64(end).u32(crc);
}

/** All of it is read and checked. A few numbers for each container are held in memory. @throws FsError Corrupt */
export async function readManifest(disk: Disk, name: string, identity: FileIdentity): Promise<Manifest> {
  const containers: CopiedContainer[] = [];
  let first: ReturnType<typeof readSummary> | undefined;
  for await (const block of readBlocks(disk, name, identity)) {
    const reader = new Reader(block);
    if (first) while (reader.remaining > 0) containers.push(readContainer(reader));
    else first = readSummary(reader);
  }
  if (first?.count !== containers.length) throw damagedFile(name, 'it does not hold what it says');
  const { count: _checked, ...summary } = first;
  return { ...summary, containers };
}

function readSummary(reader: Reader) {
  reader.schema(SCHEMA, 'manifest');
  const numbers = {
    takenMs: reader.u64(),
    changes: reader.u64(),
    metadataBytes: reader.u64(),
    copiedBytes: reader.u64(),
    count: reader.u64(),
  };
  const smallFiles = Array.from({ length: reader.u16() }, () => ({
    name: reader.text(),
    bytes: Buffer.from(reader.bytes()),
  }));
  const suspicious = Array.from({ length: reader.u32() }, () => ({
    container: containerId(reader.u64()),
    offset: reader.u64(),
    length: reader.u64(),
    reason: reader.text(),
  }));
  // A backup that was made before any could be missing says nothing of them.
  const damagedRecordCount = reader.remaining > 0 ? reader.u64() : 0;
  const damagedRecords = Array.from({ length: reader.remaining > 0 ? reader.u16() : 0 }, () =>
    damagedMetadata(reader.bytes()),
  );
  const damagedPlaceCount = reader.remaining > 0 ? reader.u64() : 0;
  return { ...numbers, smallFiles, suspicious, damagedRecords, damagedRecordCount, damagedPlaceCount };
}

function readContainer(reader: Reader): CopiedContainer {
  return {
    container: containerId(reader.u64()),
    kind: reader.u8() === 1 ? 'segment' : 'dedicated',
    sealed: reader.u8() === 1,
    sizeBytes: reader.u64(),
    frameBytes: reader.u64(),
    stretches: Array.from({ length: reader.u16() }, () => ({ end: reader.u64(), crc: reader.u32() })),
  };
}
