/** Each must be found, and by what it says here: a world that does not see one is too weak. */

import { SPACE } from '../../../src/meta/keys.ts';
import { decodeDentry, encodeDentry } from '../../../src/meta/records/tree.ts';
import { putObject } from '../../../src/objects/put.ts';
import { Pins } from '../../../src/space/pins.ts';
import { believing, greedy, rash, unfound } from './devices.ts';
import { behind, careless, distorting, erasing, hasty, keeping, losing, losingOneIn } from './engines.ts';
import { FAMILY_PLANTS } from './families.ts';
import type { Plant } from './plant.ts';
import { replace } from './replace.ts';

export const PLANTS: Readonly<Record<string, Plant>> = {
  ...FAMILY_PLANTS,
  'data is not synced before the commit': {
    world: { ignoresSyncOf: 'data' },
    foundBy: /^recovery found bytes lost/,
  },
  'new names of containers are not synced': {
    world: { ignoresSyncOf: 'directories' },
    foundBy: /^there is no container|^recovery found bytes lost|^fsck found .*unaccountedBytes/,
  },
  'the journal is not synced': {
    world: { journal: 'unsynced' },
    foundBy: /^records from number \d+ on are lost|journal is missing|^the store (lists|has volumes)/,
  },
  'the journal lacks bytes': {
    world: { journal: 'without bytes' },
    foundBy: /^recovery found bytes lost|^there is no container|the header is damaged$/,
  },
  'the journal is not replayed': {
    world: { journal: 'not replayed' },
    foundBy:
      /^there is no metadata, but containers|^recovery found bytes lost|^the store (lists|has volumes)/,
  },
  'a reply comes before its commit': { engine: hasty, foundBy: /was answered before it was committed/ },
  'commands do not see what came between': {
    engine: careless,
    foundBy: /^the store (did|used|made|removed) .*|^at one moment fsck would find/,
  },
  'reads are of the state before': {
    engine: behind(5),
    foundBy:
      /was not found, and is there|was found, and is not there|other bytes were read|^listed was|left out of a listing$|^an upload has parts/,
  },
  'a write gets lost': {
    engine: losingOneIn(300),
    foundBy: /^at one moment fsck would find|^fsck found|^usage is|^the store used inode \d+ twice/,
  },
  'twins are not marked': {
    engine: distorting((write) => {
      const [key, value] = write;
      if (key[0] !== SPACE.dentry || !value) return write;
      return [key, encodeDentry({ ...decodeDentry(value), twin: false })];
    }),
    foundBy: /^at one moment fsck would find .*twinMarkWrong/,
  },
  'what a volume uses is not counted': {
    engine: losing(SPACE.usage),
    foundBy: /^usage is|^at one moment fsck would find .*usageWrong/,
  },
  'a copy shares bytes and is not counted': {
    engine: losing(SPACE.content, 'copyObject'),
    foundBy: /^(at one moment fsck would find|fsck found) .*referenceCountWrong/,
  },
  'what is dropped is not freed': {
    engine: losing(SPACE.free),
    foundBy: /^at one moment fsck would find .*(partWithoutUpload|zeroReferencesNotFreed)/,
  },
  'a removed name stays in the order of its directory': {
    engine: keeping(SPACE.cookie),
    foundBy: /^a cookie of directory \d+ has its entry|cookieIndexWrong/,
  },
  'answers are not remembered': {
    engine: erasing(SPACE.call),
    foundBy: /^the store did call \d+ twice|^call \d+ was/,
  },
  'the answer of a completed upload is not kept': {
    engine: losing(SPACE.completed),
    foundBy: /is not known when it is completed again/,
  },
  'leases are not recorded': { engine: losing(SPACE.lease), foundBy: /^fsck found .*unaccountedBytes/ },
  'recovery passes containers over': { extents: unfound, foundBy: /^fsck found .*unaccountedBytes/ },
  'the collector minds no reader': {
    install: () => replace(Pins.prototype, { oldest: () => Number.POSITIVE_INFINITY }),
    foundBy: /^there is no container|^container .*, frame at \d+: |other bytes were read/,
  },
  'a punch takes a block too many': {
    extents: greedy,
    foundBy: /^fsck found .*frameDamaged|^a scrub found|^recovery found bytes lost/,
  },
  'containers go that are half alive': {
    extents: rash,
    foundBy: /^there is no container|^a scrub found damage|^fsck found .*unaccountedBytes/,
  },
  'a failed sync is tried again and believed': {
    world: { faults: true },
    disk: believing,
    foundBy:
      /^recovery found bytes lost|^there is no container|^fsck found .*(frame(Damaged|Missing)|containerWithoutReferent)|^container .* ends before/,
  },
  'preconditions of a PUT are not checked': {
    install: () => {
      const { run } = putObject;
      return replace(putObject, {
        run: (tx, { precondition: _unheeded, ...args }, context) => run(tx, args, context),
      });
    },
    foundBy: /^the store replaced .*, though nothing was to be there|which was to be/,
  },
};
