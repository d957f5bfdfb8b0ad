/** Checks that fail on every server of NFSv3, and why: what the protocol cannot say, or what the client does by itself. */

const OPEN_FILES =
  'no procedure opens or closes a file (RFC 1813 §3), so that a client renames one that is removed while it is open to ' +
  '`.nfs…` until it is closed: it keeps a name, and so a link.';

const SECONDS =
  'times are nfstime3, whose seconds are 32 bits without a sign (RFC 1813 §2.5): the client sends the last one there is.';

const PAST_THE_END =
  'the client keeps in its page cache what a mapping wrote past the end of a file, does not send it (it is no part of ' +
  'the file), and shows it where the file grows later by SETATTR or WRITE (RFC 1813 §4.11: caching is the client’s).';

export const known: ReadonlyMap<string, string> = new Map([
  ['pjdfstest unlink/14 #4', OPEN_FILES],
  ['pjdfstest utimensat/09 #5', SECONDS],
  ['fsx past-the-end', PAST_THE_END],
]);
