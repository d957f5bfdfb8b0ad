/**
 * Bytes that are not what the protocol says they are: cut short, a length past its bound, an unknown choice.
 * The fault is the sender's; it becomes GARBAGE_ARGS.
 */
export class XdrError extends Error {
  override readonly name = 'XdrError';
}
