/** Each must be found, and by a check of what it breaks: a world that does not see one is too weak. */

import { Files } from '../../../src/files/view.ts';
import { FINDING_KINDS } from '../../../src/fsck/findings.ts';
import { SPACE } from '../../../src/meta/keys.ts';
import { decodeDentry, encodeDentry } from '../../../src/meta/records/tree.ts';
import { Objects } from '../../../src/objects/objects.ts';
import { putObject } from '../../../src/objects/put.ts';
import { Pins } from '../../../src/space/pins.ts';
import { ROOT } from '../actors/surroundings.ts';
import { believing, greedy, rash, unfound } from './devices.ts';
import {
  behind,
  careless,
  distorting,
  erasing,
  hasty,
  keeping,
  losing,
  losingOneIn,
  remembering,
} from './engines.ts';
import { FAMILY_PLANTS } from './families.ts';
import type { Plant } from './plant.ts';
import { replace } from './replace.ts';

export const PLANTS: Readonly<Record<string, Plant>> = {
  ...FAMILY_PLANTS,
  'data is not synced before the commit': {
    world: { ignoresSyncOf: 'data' },
    breaks: ['bytesAreKept'],
  },
  'new names of containers are not synced': {
    world: { ignoresSyncOf: 'directories' },
    breaks: ['bytesAreKept', 'unaccountedBytes'],
  },
  'the journal is not synced': {
    world: { journal: 'unsynced' },
    // Where everything was lost but the containers, the store does not start.
    breaks: ['commitsAreKept', 'bytesAreKept'],
  },
  'the journal lacks bytes': {
    world: { journal: 'without bytes' },
    breaks: ['bytesAreKept', 'frameMissing'],
  },
  'the journal is not replayed': {
    world: { journal: 'not replayed' },
    breaks: ['commitsAreKept', 'bytesAreKept'],
  },
  'a reply comes before its commit': { engine: hasty, breaks: ['answersFollowCommits'] },
  'commands do not see what came between': {
    engine: careless,
    breaks: ['commandsAreSerial', 'callsAreDoneOnce', ...FINDING_KINDS],
  },
  'reads are of the state before': {
    engine: behind(5),
    breaks: ['readsAreCurrent', ...FINDING_KINDS],
  },
  'a write gets lost': {
    engine: losingOneIn(300),
    breaks: ['usageIsCounted', 'commandsAreSerial', ...FINDING_KINDS],
  },
  'twins are not marked': {
    engine: distorting((write) => {
      const [key, value] = write;
      if (key[0] !== SPACE.dentry || !value) return write;
      return [key, encodeDentry({ ...decodeDentry(value), twin: false })];
    }),
    breaks: ['twinMarkWrong'],
  },
  'what a volume uses is not counted': {
    engine: losing(SPACE.usage),
    breaks: ['usageIsCounted', 'usageWrong'],
  },
  'a copy shares bytes and is not counted': {
    engine: losing(SPACE.content, 'copyObject'),
    breaks: ['referenceCountWrong'],
  },
  'a file that is edited remembers where its bytes were': {
    engine: remembering,
    breaks: ['rememberedPlaceWrong', 'readsAreCurrent', 'commitsAreKept', 'bytesAreKept'],
  },
  'what is dropped is not freed': {
    engine: losing(SPACE.free),
    breaks: ['partWithoutUpload', 'zeroReferencesNotFreed'],
  },
  'a removed name stays in the order of its directory': {
    engine: keeping(SPACE.cookie),
    breaks: ['cookieIndexWrong'],
  },
  'answers are not remembered': {
    engine: erasing(SPACE.call),
    breaks: ['callsAreDoneOnce'],
  },
  'the answer of a completed upload is not kept': {
    engine: losing(SPACE.completed),
    breaks: ['callsAreDoneOnce'],
  },
  'leases are not recorded': { engine: losing(SPACE.lease), breaks: ['unaccountedBytes'] },
  'recovery passes containers over': { extents: unfound, breaks: ['unaccountedBytes'] },
  'the collector minds no reader': {
    install: () => replace(Pins.prototype, { oldest: () => Number.POSITIVE_INFINITY }),
    breaks: ['bytesAreKept', 'readsAreCurrent'],
  },
  'a punch takes a block too many': {
    extents: greedy,
    breaks: ['frameDamaged', 'bytesAreKept'],
  },
  'containers go that are half alive': {
    extents: rash,
    breaks: ['bytesAreKept', 'unaccountedBytes'],
  },
  'a failed sync is tried again and believed': {
    world: { faults: true },
    disk: believing,
    breaks: ['bytesAreKept', 'frameDamaged', 'frameMissing', 'containerWithoutReferent'],
  },
  'a listing of uploads leaves one out': {
    install: () => {
      const { listUploads } = Objects.prototype;
      return replace(Objects.prototype, {
        async listUploads(this: Objects, args) {
          const { entries, truncated } = await listUploads.call(this, args);
          return { entries: entries.slice(1), truncated };
        },
      });
    },
    breaks: ['readsAreCurrent', 'commitsAreKept'],
  },
  'an upload is found by any key': {
    install: () => {
      const { getUpload, listUploads } = Objects.prototype;
      return replace(Objects.prototype, {
        async getUpload(this: Objects, { volume, key, upload }) {
          const nothing = Buffer.alloc(0);
          const asked = { volume, prefix: nothing, delimiter: nothing, limit: 1000 };
          const { entries } = await listUploads.call(this, asked);
          const found = entries.find((entry) => entry.kind === 'upload' && entry.upload === upload);
          return found?.kind === 'upload' ? found : getUpload.call(this, { volume, key, upload });
        },
      });
    },
    breaks: ['readsAreCurrent'],
  },
  'who asks what he may do is taken for root': {
    install: () => {
      const { access } = Files.prototype;
      return replace(Files.prototype, {
        access(this: Files, args) {
          return access.call(this, { ...args, caller: ROOT });
        },
      });
    },
    breaks: ['readsAreCurrent'],
  },
  'preconditions of a PUT are not checked': {
    install: () => {
      const { run } = putObject;
      return replace(putObject, {
        run: (tx, { precondition: _unheeded, ...args }, context) => run(tx, args, context),
      });
    },
    breaks: ['preconditionsHold'],
  },
};
