/** Volumes and the accounts that own them, as gateways and the command line see them. */

import type { LayerId, Timestamp, VolumeId } from '../ids.ts';
import type { Tags } from '../objects/types.ts';

export interface Volume {
  readonly id: VolumeId;
  /** Unique in the store; also the bucket's name. */
  readonly name: string;
  readonly layer: LayerId;
  /** The owning account's name. */
  readonly owner: string;
  readonly created: Timestamp;
  /** Owner and modes of what S3 makes. */
  readonly defaults: {
    readonly uid: number;
    readonly gid: number;
    readonly directoryMode: number;
    readonly fileMode: number;
  };
  /** S3 is told owner, group, mode and time of everything, not only where the writer gave them. */
  readonly posixMetadata?: true;
  readonly quota?: Quota;
}

/** What a volume may hold, whichever door it comes by. What it holds already stays. Absent: as much as there is room for. */
export interface Quota {
  /** Logical bytes, as {@link VolumeUsage} counts them. */
  readonly bytes?: number;
  readonly inodes?: number;
}

export interface VolumeSettings {
  readonly posixMetadata: boolean;
  /** Null: none any more. */
  readonly quotaBytes: number | null;
  readonly quotaInodes: number | null;
}

/** Who may reach a volume as files, and as whom. */
export interface ExportPolicy {
  /** Networks, as `10.0.0.0/8` or `::1/128`. Nobody else may. */
  readonly clients: readonly string[];
  readonly readOnly: boolean;
  /** Who becomes the anonymous user: nobody, root alone, or everybody. */
  readonly squash: Squash;
  readonly anonymousUid: number;
  readonly anonymousGid: number;
  /** Those ids are the owner's, whoever that is: neither was given. */
  readonly anonymousIsOwner?: true;
  /** Only from ports below 1024, which a host leaves to its root. */
  readonly securePorts: boolean;
}

type Anonymous = 'anonymousUid' | 'anonymousGid' | 'anonymousIsOwner';

export interface ExportChanges extends Partial<Omit<ExportPolicy, Anonymous>> {
  /** Null: the owner's, whoever that is. */
  readonly anonymousUid?: number | null;
  readonly anonymousGid?: number | null;
  /** Owner and modes of what S3 makes. */
  readonly defaults?: Partial<Volume['defaults']>;
}

/** How a volume is exported. */
export interface Export {
  readonly volume: Volume;
  readonly policy: ExportPolicy;
}

export type Squash = 'none' | 'root' | 'all';

export interface VolumeUsage {
  /** Logical bytes: sum of sizes. */
  readonly bytes: number;
  readonly inodes: number;
}

/** What is in a volume and has no key, since its path is not UTF-8 or has more than 1,024 bytes. */
export interface Unshown {
  readonly files: number;
  readonly directories: number;
  /** The first ten that were found. */
  readonly paths: readonly Buffer[];
  /** False: the volume has very many entries, and these were found among a million of them. */
  readonly complete: boolean;
}

export interface VolumeView {
  /** @throws FsError VolumeExists (its `owner` says whose, see `find`) | NoSuchAccount | Invalid */
  create(args: { readonly name: string; readonly owner: string }): Promise<Volume>;
  /** At once where it was found a moment ago: it is on every request's way. */
  find(name: string): Volume | undefined | Promise<Volume | undefined>;
  /** In order of name; `owner` keeps only that account's. */
  list(args: {
    readonly owner?: string;
    readonly prefix?: string;
    readonly after?: string;
    readonly limit: number;
  }): Promise<{
    readonly volumes: readonly Volume[];
    readonly truncated: boolean;
  }>;
  usage(volume: VolumeId): Promise<VolumeUsage>;
  /** Counted anew each time: what changes meanwhile may be missed. @throws FsError NoSuchVolume */
  unshown(volume: VolumeId): Promise<Unshown>;
  /** @throws FsError NoSuchVolume | VolumeNotEmpty */
  delete(volume: VolumeId): Promise<{ readonly name: string }>;
  getTags(volume: VolumeId): Promise<Tags>;
  setTags(volume: VolumeId, tags: Tags): Promise<{ readonly existed: boolean }>;
  /**
   * What was never set is: loopback only, writable, root squashed, from any port, anonymous the volume's own owner.
   * A change made by another process is seen within a second.
   * @throws FsError NoSuchVolume
   */
  getExport(volume: VolumeId): ExportPolicy | Promise<ExportPolicy>;
  /**
   * Sets what is given and leaves the rest, all at once or not at all. The root directory follows the defaults
   * where it still has the old ones.
   * @throws FsError NoSuchVolume | Invalid
   */
  setExport(volume: VolumeId, changes: ExportChanges): Promise<Export>;
  /** Sets what is given and leaves the rest. @throws FsError NoSuchVolume | Invalid */
  setSettings(volume: VolumeId, changes: Partial<VolumeSettings>): Promise<Volume>;
}

export interface Account {
  readonly name: string;
  /** 64 lower-case hexadecimal digits: S3's canonical user id. */
  readonly canonicalId: string;
  readonly displayName: string;
  readonly email?: string;
  readonly created: Timestamp;
}

export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretKey: string;
  readonly account: string;
  readonly created: Timestamp;
}

/** What went. */
export interface DeletedAccount {
  readonly account: Account;
  readonly keys: readonly AccessKey[];
}

export interface KeyAndAccount {
  readonly key: AccessKey;
  readonly account: Account;
}

export interface AccountView {
  /** @throws FsError AccountExists */
  create(args: {
    readonly name: string;
    readonly displayName?: string;
    readonly email?: string;
    readonly canonicalId?: string;
  }): Promise<Account>;
  find(name: string): Promise<Account | undefined>;
  list(): Promise<readonly Account[]>;
  /** @throws FsError NoSuchAccount | AccessKeyExists. Creates the account when `createAccount`. */
  createKey(args: {
    readonly account: string;
    readonly createAccount?: { readonly displayName?: string; readonly email?: string };
    readonly accessKeyId?: string;
    readonly secretKey?: string;
  }): Promise<AccessKey>;
  /** The key and its account in one look-up, at once where it was found a moment ago: on every request's way. */
  findKey(accessKeyId: string): KeyAndAccount | undefined | Promise<KeyAndAccount | undefined>;
  listKeys(account?: string): Promise<readonly AccessKey[]>;
  /** @throws FsError NoSuchAccessKey */
  deleteKey(accessKeyId: string): Promise<AccessKey>;
  /** With its keys. @throws FsError NoSuchAccount | AccountNotEmpty (it owns volumes) */
  delete(name: string): Promise<DeletedAccount>;
}
