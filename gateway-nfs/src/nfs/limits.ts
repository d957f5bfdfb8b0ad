/** What FSINFO and PATHCONF tell of, and what the procedures keep to. */

/** The most one READ gives and one WRITE takes. */
export const TRANSFER_BYTES_MAX = 1 << 20;
/** What one READDIR or READDIRPLUS answer is best asked for, and at most is. */
export const DIRECTORY_BYTES_MAX = 64 << 10;
/** A count of links has 32 bits. */
export const LINKS_MAX = 2 ** 32 - 1;
