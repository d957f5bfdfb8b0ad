import { CONTENTS_PLANTS } from './contents.ts';
import { INODES_PLANTS } from './inodes.ts';
import { NAMES_PLANTS } from './names.ts';
import type { Plants } from './plant.ts';
import { SPACE_PLANTS } from './space.ts';
import { VOLUMES_PLANTS } from './volumes.ts';

/** For every kind of finding, damage that is found as that. */
export const PLANTS: Plants = {
  ...VOLUMES_PLANTS,
  ...NAMES_PLANTS,
  ...INODES_PLANTS,
  ...CONTENTS_PLANTS,
  ...SPACE_PLANTS,
};
