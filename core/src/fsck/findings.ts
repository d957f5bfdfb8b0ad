/** What fsck can find. Each kind is a promise that the code makes to itself, broken. */

export const FINDING_KINDS = [
  // Any record
  'recordDamaged',
  'unreadableRecord',
  'unknownKey',
  'counterBehind',
  // Volumes and tenants
  'volumeNameWrong',
  'volumeWithoutOwner',
  'volumeWithoutRoot',
  'layerShared',
  'layerWithoutVolume',
  'volumeTagsStray',
  'volumeExportStray',
  'accountNameWrong',
  'accessKeyWrong',
  'leasesOverlap',
  'callWrong',
  // Names
  'entryWithoutInode',
  'entryTypeWrong',
  'entryOutsideDirectory',
  'cookieIndexWrong',
  'cookieBeyondNext',
  'twinMarkWrong',
  'longNameWrong',
  'entryCountWrong',
  'directoryStateMissing',
  'directoryStateStray',
  'implicitDirectoryEmpty',
  'directoryUnreachable',
  // Inodes
  'inodeWithoutName',
  'nameNotRecorded',
  'linkCountWrong',
  'linkWrong',
  'orphanMarkWrong',
  'inlineMissing',
  'inlineStray',
  'inlineLengthWrong',
  'checksumWrong',
  'tagCountWrong',
  'usageWrong',
  // Contents
  'contentMissing',
  'contentLengthWrong',
  'contentShapeWrong',
  'rememberedPlaceWrong',
  'referenceCountWrong',
  'zeroReferencesNotFreed',
  'freedTwice',
  'freeRecordStray',
  'mapWithoutContent',
  'mapOverlap',
  'mapBeyondLength',
  'mapOutsideExtent',
  'referenceOutOfRange',
  'referenceTooDeep',
  'selfContainedWrong',
  'mappedBytesWrong',
  'partMarkMissing',
  // Uploads
  'uploadKeyWrong',
  'uploadStillOpen',
  'partWithoutUpload',
  // Space
  'reclaimStampWrong',
  'containerMissing',
  'beyondContainer',
  'bytesOwnedTwice',
  'liveBytesDead',
  'deadRunsWrong',
  'unaccountedBytes',
  'containerWithoutReferent',
  'strayFile',
  'frameMissing',
  'frameOwnerWrong',
  'frameDamaged',
] as const;

export type FindingKind = (typeof FINDING_KINDS)[number];

/** What S3 would call it. */
export interface AffectedObject {
  readonly volume: string;
  /** As UTF-8, also where a name is not. */
  readonly key: string;
  /** Of an upload under way, a part of which it is. */
  readonly upload?: string;
}

export interface Finding {
  readonly kind: FindingKind;
  /** The thing that is wrong: `inode 5`. */
  readonly what: string;
  /** What it is part of: `volume photos`. */
  readonly where: string;
  /** What is there and what should be. */
  readonly detail: string;
  /** Whose bytes it is about, where it is about bytes: of each content the first thousand. */
  readonly objects?: readonly AffectedObject[];
}
