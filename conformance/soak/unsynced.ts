/** A server with a sync taken out: so that the soak can show that it would be missed. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('unsynced.c', import.meta.url));

/** Thrown by what cannot be tried on this machine; the message says why. */
export class CannotTry extends Error {
  override readonly name = 'CannotTry';
}

/** Builds the library that a server is to load before all others. @throws CannotTry without a C compiler */
export function buildUnsynced(folder: string): string {
  const library = join(folder, 'unsynced.so');
  const compiler = process.env['CC'] ?? 'cc';
  const built = spawnSync(compiler, ['-shared', '-fPIC', '-O1', '-Wall', '-o', library, SOURCE, '-ldl'], {
    encoding: 'utf8',
  });
  if (built.error) throw new CannotTry(`no C compiler (${compiler}): ${built.error.message}`);
  if (built.status !== 0) throw new Error(`${compiler} cannot build ${SOURCE}: ${built.stderr}`);
  return library;
}

/** The environment of a server that does not sync files whose path ends so. */
export function unsyncedEnvironment(library: string, ending: string): Record<string, string> {
  return { LD_PRELOAD: library, FACET_SOAK_UNSYNCED: ending };
}
