/** Contents, how often they are referred to, the queues, and counters. */

import type { ContainerId } from '@facet/extents';
import { enqueueFree } from '../../contents/bodies.ts';
import type { ContentId } from '../../ids.ts';
import { containerKey, contentKey, counterKey, reclaimKey } from '../../meta/keys.ts';
import { type Content, decodeContent, encodeContent } from '../../meta/records/content.ts';
import { decodeContainer, decodeReclaim, encodeContainer, encodeReclaim } from '../../meta/records/space.ts';
import { decodeNumber, encodeNumber } from '../../meta/records/volume.ts';
import { edit, type Mend } from './mend.ts';

const CONTENT = { decode: decodeContent, encode: encodeContent };

/**
 * Of one that something refers to. One that nothing refers to, though it says so, is not known to be dead: it stays as it
 * is.
 */
export function countsReferences(
  id: ContentId,
  counts: { readonly said: number; readonly refs: number },
): Mend | undefined {
  const { said, refs } = counts;
  if (refs === 0) return undefined;
  return edit(contentKey(id), CONTENT, {
    doing: `has content ${id} say that it is referred to ${refs} times`,
    ...(refs < said && { restsOnAll: true }),
    change: (content) => (content.refs === refs ? undefined : { ...content, refs }),
  });
}

/** It says itself that nothing refers to it. */
export function frees(id: ContentId): Mend {
  return {
    doing: `puts content ${id}, which nothing refers to, into the free queue`,
    restsOnAll: true,
    *run(tx) {
      const stored = yield* tx.get(contentKey(id));
      if (!stored || decodeContent(stored).refs > 0) return false;
      yield* enqueueFree({ tx }, { kind: 'content', content: id });
      return true;
    },
  };
}

export function hasNoParts(id: ContentId): Mend {
  return edit(contentKey(id), CONTENT, {
    doing: `has content ${id} say that it has no parts`,
    change: (content: Content) => ({ ...content, hasParts: false }),
  });
}

/** It then says nothing of that. */
export function unmarks(id: ContentId, mark: 'selfContained' | 'mappedBytes'): Mend {
  return edit(contentKey(id), CONTENT, {
    doing: `has content ${id} be looked through`,
    change: ({ [mark]: _, ...content }: Content) => content,
  });
}

export function stamps(sequence: number): Mend {
  return edit(
    reclaimKey(sequence),
    { decode: decodeReclaim, encode: encodeReclaim },
    {
      doing: `stamps reclaim record ${sequence} anew`,
      change: (record) => ({ ...record, stamp: sequence }),
    },
  );
}

/** Its record may be gone, too. */
export function sumsDeadRuns(container: ContainerId, deadBytes: number): Mend {
  return {
    doing: 'sums its dead runs anew',
    restsOnAll: true,
    *run(tx) {
      const key = containerKey(container);
      const stored = yield* tx.get(key);
      if (stored && decodeContainer(stored).deadBytes === deadBytes) return false;
      tx.put(key, encodeContainer({ deadBytes }));
      return true;
    },
  };
}

export function movesCounter(name: string, greatest: number): Mend {
  return {
    doing: `has counter ${name} give ${greatest + 1} next`,
    *run(tx) {
      const key = counterKey(name);
      const stored = yield* tx.get(key);
      if (stored && decodeNumber(stored) > greatest) return false;
      tx.put(key, encodeNumber(greatest + 1));
      return true;
    },
  };
}
