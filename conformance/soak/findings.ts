/** What checks say of what they found, beside what a ledger allows. */
import type { Found, State, Together } from './ledger.ts';

/** Where none of `allowed` was found. */
export function wrongState(
  key: string,
  { found, allowed }: { readonly found: Found; readonly allowed: readonly State[] },
): string {
  const all = allowed.map(describe).join(' or ');
  return `${key}: found ${describe(found)}, where ${all} was acknowledged or asked`;
}

export function describe(state: Found | State): string {
  if (!state) return 'nothing';
  const { tag, lengthBytes, sha256, etag } = state;
  return `${tag} (${lengthBytes} bytes, sha256 ${sha256.slice(0, 12)}, etag ${etag})`;
}

/**
 * Undefined where all of it was made, or none. Of what looks the same before and after nothing is known.
 * @param states what was found of some keys
 */
export function changedInPart(
  { name, changes }: Together,
  states: ReadonlyMap<string, State>,
): string | undefined {
  const known = changes.filter(
    ({ key, before, after }) => states.has(key) && before?.sha256 !== after?.sha256,
  );
  const made = known.filter(({ key, after }) => states.get(key) === after);
  if (made.length === 0 || made.length === known.length) return undefined;
  const keys = changes.map(({ key }) => key).join(' and ');
  return `${keys} (${name}): found changed in part, where all of it or nothing was acknowledged or asked`;
}
