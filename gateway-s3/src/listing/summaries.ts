/** What objects of one listing tell of themselves. */
import type { Account, ObjectSummary } from '@facet/core';
import { isoDateOfSecond, secondsOf } from '../objects/dates.ts';
import { ownerElement } from '../xml/owner.ts';
import { leaf, quotedLeaf, type Xml } from '../xml/write.ts';

/**
 * Writes the summaries of one page. Most objects of a page have much in common with the one before: that is written
 * once, which halves what a page costs here.
 */
export class Summaries {
  readonly #owner: Xml;
  #second = Number.NaN;
  #lastModified: Xml = '';
  #checksum: ObjectSummary['checksum'];
  #checksumElements: Xml = '';
  #storageClass = '';
  #end: Xml = '';

  /** `owner` given: objects tell their owner. */
  constructor(owner: Account | undefined) {
    this.#owner = owner === undefined ? '' : ownerElement('Owner', owner);
  }

  elements(object: ObjectSummary): Xml {
    const second = secondsOf(object.lastModified);
    if (second !== this.#second) {
      this.#second = second;
      this.#lastModified = leaf('LastModified', isoDateOfSecond(second));
    }
    const { checksum, storageClass } = object;
    if (checksum?.algorithm !== this.#checksum?.algorithm || checksum?.type !== this.#checksum?.type) {
      this.#checksum = checksum;
      this.#checksumElements =
        leaf('ChecksumAlgorithm', checksum?.algorithm) + leaf('ChecksumType', checksum?.type);
    }
    if (storageClass !== this.#storageClass) {
      this.#storageClass = storageClass;
      this.#end = this.#owner + leaf('StorageClass', storageClass);
    }
    const etag = quotedLeaf('ETag', object.etag);
    return `${this.#lastModified}${etag}${this.#checksumElements}<Size>${object.sizeBytes}</Size>${this.#end}`;
  }
}
