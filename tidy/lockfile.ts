/** The lock file must name every optional package of every platform: `npm ci` refuses one that does not. */

import { posix } from 'node:path';

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>
  >;
}

/** An install on one platform, or from a registry that lacks some, may leave them out. */
export function missingFromLock(text: string): readonly string[] {
  const lock: Lock = JSON.parse(text);
  return Object.entries(lock.packages).flatMap(([place, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !placesOf(name, place).some((candidate) => candidate in lock.packages))
      .map((name) => `${place} may need ${name}, which package-lock.json does not have`),
  );
}

/** Where Node would look for `name` from within `place`: there, and in each folder above. */
function placesOf(name: string, place: string): readonly string[] {
  const folders: string[] = [];
  for (let folder = place; folder !== '.' && folder !== ''; folder = posix.dirname(folder))
    folders.push(folder);
  return [...folders, ''].map((folder) => posix.join(folder, 'node_modules', name));
}
