/** A promise the code made to itself was broken: a bug, or damage on disk. Fails the one operation, loudly. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** @param message as a function where every request comes by: text that names a value takes longer than the check */
export function assert(condition: unknown, message: string | (() => string)): asserts condition {
  if (!condition) throw new InvariantError(typeof message === 'string' ? message : message());
}

/** For the `default` of a switch over a closed union. */
export function unreachable(value: never, what: string): never {
  throw new InvariantError(`${what}: unexpected ${String(value)}`);
}
