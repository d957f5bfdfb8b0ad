/**
 * Told how far LMDB's file is behind what was acknowledged, for readers in other processes: they see what is in the
 * file, and nothing of a transaction that is open.
 */
export interface ReaderNotice {
  /** More can be read in this process than LMDB's file holds. Told before anybody is acknowledged. */
  gathered(): void;
  /** LMDB's file holds all that was gathered. */
  settled(): void;
}
