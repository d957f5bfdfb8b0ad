/**
 * What the command line does to a store, whether it holds the store itself (`local.ts`) or asks the server that
 * does (`remote.ts`). The shapes are also what `--json` prints and what travels over the admin API.
 */

import { z } from 'zod';

export const volumeReport = z.object({
  name: z.string(),
  id: z.number(),
  /** The owning account's name. */
  owner: z.string(),
  /** ISO 8601, UTC. */
  created: z.string(),
});
export type VolumeReport = z.infer<typeof volumeReport>;

export const listedVolume = volumeReport.extend({
  /** Logical bytes; files and directories, its root among them. */
  usage: z.object({ bytes: z.number(), inodes: z.number() }),
  /** What it may hold; null: as much as there is room for. */
  quota: z.object({ bytes: z.number().nullable(), inodes: z.number().nullable() }),
});
export type ListedVolume = z.infer<typeof listedVolume>;

export const volumeDetails = listedVolume.extend({
  /** What S3 cannot show, since its path is no key: not UTF-8, or over 1,024 bytes. */
  unshown: z.object({
    files: z.number(),
    directories: z.number(),
    /** The first ten found; bytes that are no text as `\\xff`, very long ones cut in their middle. */
    paths: z.array(z.string()),
    /** False: there may be more, since only the first million entries were looked at. */
    complete: z.boolean(),
  }),
  /** What files and directories made through S3 belong to; modes in octal, as in `0644`. */
  defaults: z.object({
    uid: z.number(),
    gid: z.number(),
    directoryMode: z.string(),
    fileMode: z.string(),
  }),
  /** S3 tells owner, group, mode and time of every object, not only those that its writer gave. */
  posixMetadata: z.boolean(),
});
export type VolumeDetails = z.infer<typeof volumeDetails>;

/** What is not given stays as it is. */
export const volumeChanges = z.strictObject({
  posixMetadata: z.boolean().exactOptional(),
  /** Null: no quota any more. */
  quotaBytes: z.int().min(0).nullable().exactOptional(),
  quotaInodes: z.int().min(0).nullable().exactOptional(),
});
type VolumeChanges = z.infer<typeof volumeChanges>;

const uint32 = z.int().min(0).max(0xffff_ffff);
const octalMode = z.string().regex(/^0?[0-7]{1,4}$/, 'must be a mode in octal, as in 0644');
const squash = z.enum(['none', 'root', 'all'], 'must be none, root or all');

/** Who may mount a volume and as whom, and whom belongs what S3 makes in it. */
export const exportReport = z.object({
  name: z.string(),
  /** What a client mounts. */
  path: z.string(),
  /** Networks, as in `10.0.0.0/8`. */
  clients: z.array(z.string()),
  readOnly: z.boolean(),
  squash,
  anonymousUid: z.number(),
  anonymousGid: z.number(),
  /** They are the owner's, and stay so when that changes. */
  anonymousIsOwner: z.boolean(),
  securePorts: z.boolean(),
  owner: z.object({ uid: z.number(), gid: z.number() }),
  directoryMode: z.string(),
  fileMode: z.string(),
});
export type ExportReport = z.infer<typeof exportReport>;

export const exportPage = z.object({ exports: z.array(exportReport), truncated: z.boolean() });
type ExportPage = z.infer<typeof exportPage>;

/** What is not given stays as it is. */
export const exportChanges = z.strictObject({
  clients: z.array(z.string()).exactOptional(),
  readOnly: z.boolean().exactOptional(),
  squash: squash.exactOptional(),
  /** Null: the owner's, whoever that is. */
  anonymousUid: uint32.nullable().exactOptional(),
  anonymousGid: uint32.nullable().exactOptional(),
  securePorts: z.boolean().exactOptional(),
  owner: z.strictObject({ uid: uint32, gid: uint32 }).exactOptional(),
  directoryMode: octalMode.exactOptional(),
  fileMode: octalMode.exactOptional(),
});
export type ExportChanges = z.infer<typeof exportChanges>;

export const volumePage = z.object({ volumes: z.array(listedVolume), truncated: z.boolean() });
type VolumePage = z.infer<typeof volumePage>;

export const keyReport = z.object({
  accessKeyId: z.string(),
  account: z.string(),
  created: z.string(),
});
export type KeyReport = z.infer<typeof keyReport>;

/** Secrets are told once, by the command that makes them. */
export const newKeyReport = keyReport.extend({
  secretAccessKey: z.string(),
  /** S3's canonical user id. */
  canonicalId: z.string(),
  displayName: z.string(),
  email: z.string().optional(),
});
export type NewKeyReport = z.infer<typeof newKeyReport>;

export const accountReport = z.object({
  name: z.string(),
  displayName: z.string(),
  email: z.string().optional(),
  /** S3's canonical user id. */
  canonicalId: z.string(),
  created: z.string(),
  keys: z.number(),
});
export type AccountReport = z.infer<typeof accountReport>;

export const accountDetails = accountReport.extend({
  accessKeys: z.array(keyReport),
  /** How many it owns. */
  volumes: z.number(),
});
export type AccountDetails = z.infer<typeof accountDetails>;

/** Of a scrub and of a compaction. */
export const pacedRequest = z.strictObject({ bytesPerSecond: z.int().min(1 << 20) });

/** In bytes of data. */
export const workProgress = z.object({ bytes: z.number(), bytesExpected: z.number() });
type WorkProgress = z.infer<typeof workProgress>;

const damagedBytes = z.object({
  /** A file below `extents/`, without its ending. */
  container: z.string(),
  offset: z.number(),
  reason: z.string(),
  objects: z.array(z.object({ volume: z.string(), key: z.string(), upload: z.string().exactOptional() })),
});

/** Of the metadata. */
const damagedRecords = {
  damagedRecordCount: z.number(),
  /** The first thousand. */
  damagedRecords: z.array(z.object({ key: z.string(), kind: z.string() })),
};

export const scrubReport = z.object({
  /** Of the metadata. */
  records: z.number(),
  ...damagedRecords,
  bytes: z.number(),
  extents: z.number(),
  /** False when it was ended early. */
  complete: z.boolean(),
  damagedCount: z.number(),
  /** The first ten thousand. */
  damaged: z.array(damagedBytes),
});
export type ScrubReport = z.infer<typeof scrubReport>;

/** Of work that takes its time. */
export interface LongWorkOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: WorkProgress) => void;
}

interface PacedOptions extends LongWorkOptions {
  readonly bytesPerSecond: number;
}

export const compactReport = z.object({
  /** That were gone through, and what of them was alive. */
  segments: z.number(),
  movedExtents: z.number(),
  movedBytes: z.number(),
  /** By so many files are made of fewer pieces. */
  mergedPieces: z.number(),
  /** Copied in vain, since they changed meanwhile. */
  outdated: z.number(),
  /** Left where they are, since they are damaged. */
  damaged: z.number(),
  /** What the containers take of the disk. */
  allocatedBytesBefore: z.number(),
  allocatedBytesAfter: z.number(),
  /** False when it was ended early. */
  complete: z.boolean(),
});
export type CompactReport = z.infer<typeof compactReport>;

export const backupRequest = z.strictObject({
  /** An absolute path. */
  to: z.string().startsWith('/').max(4096),
  bytesPerSecond: z.int().min(1 << 20),
});

export const backupReport = z.object({
  id: z.string(),
  metadataBytes: z.number(),
  /** Files below `extents/`. */
  containers: z.number(),
  /** Of these, what backups made before have of it included. */
  bytes: z.number(),
  copiedContainers: z.number(),
  copiedBytes: z.number(),
  /** Of the disk there, which one that was cut short had taken, and this one gave back. */
  leftBytes: z.number(),
  /** In the store. The first ten thousand were looked at. */
  damaged: z.array(damagedBytes),
  /** In the store: they are not in the backup. */
  ...damagedRecords,
});
export type BackupReport = z.infer<typeof backupReport>;

interface BackupOptions extends LongWorkOptions, z.infer<typeof backupRequest> {}

export const newVolume = z.strictObject({ name: z.string(), owner: z.string() });
type NewVolume = z.infer<typeof newVolume>;

export const ACCOUNT_RULE = '1 to 64 letters, digits and any of - _ . , @ + =';
export const accountName = z.string().regex(/^[\w.@+=,-]{1,64}$/, `must be ${ACCOUNT_RULE}`);

export const ACCESS_KEY_RULE = '3 to 128 letters, digits, dots, hyphens and underscores';
export const accessKeyId = z.string().regex(/^[\w.-]{3,128}$/, `must be ${ACCESS_KEY_RULE}`);

/** A refused one is not repeated: it may be meant for elsewhere, and messages end in logs and on screens. */
export const SECRET_RULE = '8 to 128 visible ASCII characters, no spaces';
export const secretAccessKey = z.string().regex(/^[\x21-\x7e]{8,128}$/, `must be ${SECRET_RULE}`);

export const newKey = z.strictObject({
  account: accountName,
  accessKeyId: accessKeyId.optional(),
  secretAccessKey: secretAccessKey.optional(),
  displayName: z.string().min(1).optional(),
  email: z.string().min(1).optional(),
});
export type NewKey = z.infer<typeof newKey>;

export const VOLUME_PAGE_LIMIT = 1000;

/** Every method throws {@link CommandFailure} or FsError. */
export interface Administration {
  createVolume(volume: NewVolume): Promise<VolumeReport>;
  /** In order of name, at most {@link VOLUME_PAGE_LIMIT}; resume `after` the last name. */
  listVolumes(page: {
    readonly owner?: string | undefined;
    readonly after?: string | undefined;
  }): Promise<VolumePage>;
  showVolume(name: string): Promise<VolumeDetails>;
  setVolume(name: string, changes: VolumeChanges): Promise<VolumeDetails>;
  deleteVolume(name: string): Promise<VolumeReport>;
  /** In order of name, at most {@link VOLUME_PAGE_LIMIT}; resume `after` the last name. */
  listExports(page: { readonly after?: string | undefined }): Promise<ExportPage>;
  showExport(volume: string): Promise<ExportReport>;
  setExport(volume: string, changes: ExportChanges): Promise<ExportReport>;
  /** In order of name. */
  listAccounts(): Promise<readonly AccountReport[]>;
  showAccount(name: string): Promise<AccountDetails>;
  /** With its keys, of which it says how many there were. Not the root account, nor one that owns volumes. */
  deleteAccount(name: string): Promise<AccountReport>;
  /**
   * Makes the account too when there is none of that name. One that exists must be called what the key's maker calls
   * it, where that says so: a name is not changed in passing.
   */
  createKey(key: NewKey): Promise<NewKeyReport>;
  listKeys(account?: string): Promise<readonly KeyReport[]>;
  /** Reads all data and compares it with its checksums. */
  scrub(options: PacedOptions): Promise<ScrubReport>;
  /** Empties segments that are mostly dead. */
  compact(options: PacedOptions): Promise<CompactReport>;
  /** Copies the store as it is at one moment to a directory of backups, beside those that are there. */
  backup(options: BackupOptions): Promise<BackupReport>;
  /** The root account's key only after the file that would bring it back is gone. */
  deleteKey(accessKeyId: string): Promise<KeyReport>;
}
