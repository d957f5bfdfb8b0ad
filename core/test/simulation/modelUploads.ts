/** What uploads there should be, and of which parts. */

import type { Timestamp, UploadId, UploadRef, VolumeId } from '../../src/index.ts';
import { Broken } from './invariants.ts';

export interface ModelPart {
  readonly etag: string;
  readonly bytes: Buffer;
}

export interface ModelUpload extends UploadRef {
  readonly initiated: Timestamp;
  /** The user metadata of that name. */
  readonly mark: string | undefined;
  readonly parts: Map<number, ModelPart>;
}

export class ModelUploads {
  readonly #begun = new Map<UploadId, ModelUpload>();
  readonly #ended = new Set<UploadId>();

  begin(upload: Omit<ModelUpload, 'parts'>): void {
    this.#begun.set(upload.upload, { ...upload, parts: new Map() });
  }

  storePart(ref: UploadRef, partNumber: number, part: ModelPart): void {
    this.#underWay(ref).parts.set(partNumber, part);
  }

  end(ref: UploadRef): ModelUpload {
    const upload = this.#underWay(ref);
    this.#ended.add(upload.upload);
    return upload;
  }

  #underWay(ref: UploadRef): ModelUpload {
    const upload = this.find(ref);
    if (!upload)
      throw new Broken(
        'commandsAreSerial',
        `the store went on with upload ${ref.upload}, which is not there`,
      );
    return upload;
  }

  /** Undefined where none of that key is under way. */
  find({ volume, key, upload }: UploadRef): ModelUpload | undefined {
    const found = this.#begun.get(upload);
    const isIt = found?.volume === volume && found.key.equals(key) && !this.#ended.has(upload);
    return isIt ? found : undefined;
  }

  /** All that were begun, those that are over among them. */
  get all(): readonly ModelUpload[] {
    return [...this.#begun.values()];
  }

  /** Those under way, in the order of a listing: of keys, and then of their beginnings. */
  of(volume: VolumeId): readonly ModelUpload[] {
    const underWay = this.all.filter((one) => one.volume === volume && !this.#ended.has(one.upload));
    return underWay.sort(
      (one, other) =>
        Buffer.compare(one.key, other.key) ||
        Number(one.initiated - other.initiated) ||
        (one.upload < other.upload ? -1 : 1),
    );
  }
}
