/**
 * Names that clients give to files that are removed while they are open, since NFSv3 knows no such state:
 * of Linux (`.nfs`, 16 digits of the file's id and 8 that count), of the BSDs and macOS (`.nfs.`, 8 digits of the time
 * and those of the process, `4.4`) and of illumos (`.nfs` and up to 8 digits that count).
 */

const SILLY =
  /^\.nfs(?:[0-9a-f]{24}|\.[0-9a-f]{8}\.[0-9a-f]{4,16}(?:4\.4)?|A[0-9a-f]{4,8}4\.4|[0-9A-F]{1,8})$/;
const BYTES_MAX = 40;

export const isSilly = (name: Buffer): boolean =>
  name.length <= BYTES_MAX && SILLY.test(name.toString('latin1'));
