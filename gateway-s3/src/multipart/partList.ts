/** The parts that CompleteMultipartUpload names. */
import {
  type ComputedAlgorithm,
  checksumElementName,
  parseChecksumAlgorithm,
} from '../checksums/algorithms.ts';
import { parseChecksumValue } from '../checksums/value.ts';
import { S3Error } from '../errors.ts';
import { unquoted } from '../objects/etags.ts';
import { PART_NUMBER_MAX } from '../objects/selection.ts';
import { invalidArgument } from '../request.ts';
import { readXml, requiredText, textChild, type XmlElement } from '../xml/read.ts';
import type { UploadChecksum } from './partChecksum.ts';

export interface NamedPart {
  readonly partNumber: number;
  /** Hexadecimal, without quotes. */
  readonly etag: string;
  /** Base64, not yet looked at. */
  readonly checksum: { readonly algorithm: ComputedAlgorithm; readonly text: string } | undefined;
}

/** @throws S3Error MalformedXML | InvalidArgument | InvalidRequest */
export function readPartList(bytes: Buffer): readonly NamedPart[] {
  const root = readXml(bytes, 'CompleteMultipartUpload');
  const parts = root.children.filter(({ name }) => name === 'Part').map(readPart);
  if (parts.length === 0 || parts.length > PART_NUMBER_MAX) throw new S3Error('MalformedXML');
  return parts;
}

const CHECKSUM_ELEMENT = /^Checksum(?!Type$)(.+)$/;

function readPart(part: XmlElement): NamedPart {
  const number = requiredText(part, 'PartNumber').trim();
  if (!/^-?\d{1,9}$/.test(number)) throw new S3Error('MalformedXML');
  const partNumber = Number(number);
  if (partNumber < 1 || partNumber > PART_NUMBER_MAX) {
    throw new S3Error('InvalidArgument', 'PartNumber must be >= 1 and <= 10000', {
      fields: { ArgumentName: 'partNumber', ArgumentValue: number },
    });
  }
  const [element, second] = part.children.filter(({ name }) => CHECKSUM_ELEMENT.test(name));
  if (second !== undefined) throw badChecksum(`${element?.text};${second.text}`);
  const algorithm = element && parseChecksumAlgorithm(CHECKSUM_ELEMENT.exec(element.name)?.[1] ?? '');
  return {
    partNumber,
    etag: unquoted(requiredText(part, 'ETag').trim()),
    checksum: algorithm && { algorithm, text: textChild(part, checksumElementName(algorithm)) ?? '' },
  };
}

export interface PartToJoin {
  readonly partNumber: number;
  readonly etag: string;
  readonly checksum?: Uint8Array;
}

/**
 * The parts with the checksums that bind them. An upload that asked for none keeps its own, whatever the client says.
 * @throws S3Error InvalidRequest | InvalidArgument | BadDigest
 */
export function partsToJoin(
  parts: readonly NamedPart[],
  { checksum: declared }: UploadChecksum,
): readonly PartToJoin[] {
  return parts.map(({ partNumber, etag, checksum }) => {
    if (declared === undefined) return { partNumber, etag };
    if (checksum === undefined) {
      if (declared.type === 'COMPOSITE') throw missingChecksum(declared.algorithm, partNumber);
      return { partNumber, etag };
    }
    const { algorithm, text } = checksum;
    if (algorithm !== declared.algorithm) {
      const name = algorithm.toLowerCase();
      const message = `The ${name} you specified for part ${partNumber} did not match what we received.`;
      throw new S3Error('BadDigest', message);
    }
    return { partNumber, etag, checksum: partChecksumValue(algorithm, text) };
  });
}

function partChecksumValue(algorithm: ComputedAlgorithm, text: string): Uint8Array {
  try {
    return parseChecksumValue(algorithm, text).value;
  } catch {
    throw badChecksum(text);
  }
}

function badChecksum(text: string): S3Error {
  return invalidArgument('Checksum', text, 'Invalid Base64 or multiple checksums present in request');
}

function missingChecksum(algorithm: string, partNumber: number): S3Error {
  const name = algorithm.toLowerCase();
  return new S3Error(
    'InvalidRequest',
    `The upload was created using a ${name} checksum. The complete request must include the checksum for each part. It was missing for part ${partNumber} in the request.`,
  );
}
