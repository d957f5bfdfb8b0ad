/** A promise the code made to itself was broken: a bug, or damage on disk. Fails the one operation, loudly. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** For the `default` of a switch over a closed union. */
export function unreachable(value: never, what: string): never {
  throw new InvariantError(`${what}: unexpected ${String(value)}`);
}
