import { spawnSync } from 'node:child_process';

/** Root may read everything, unless it gives that up: what a command runs under. */
export const mortal =
  process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] : ['env'];
export const canBeMortal = spawnSync(mortal[0] ?? '', [...mortal.slice(1), 'true']).status === 0;
