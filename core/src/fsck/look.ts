/** What one walk of a repair found, what of that may be done, and why the rest stays. */

import type { Finding, FindingKind } from './findings.ts';
import { isMend, type Mend, type Remedy, type SettingAside } from './mends/mend.ts';

/** Nobody knows what these would say. */
const UNREAD: ReadonlySet<FindingKind> = new Set(['recordDamaged', 'unreadableRecord', 'unknownKey']);
/** All that is not in a volume. */
const ELSEWHERE = 'elsewhere';

/**
 * - `left`: nothing is known to be done about it.
 * - `adding`: a mend that takes nothing away. - `taking`: one that does, and rests on all else.
 * - `aside`: a file that goes out of the extents.
 */
type Found =
  | { readonly sort: 'left'; readonly finding: Finding; readonly remedy?: undefined }
  | { readonly sort: 'adding'; readonly finding: Finding; readonly remedy: Mend }
  | { readonly sort: 'taking'; readonly finding: Finding; readonly remedy: Mend }
  | { readonly sort: 'aside'; readonly finding: Finding; readonly remedy: SettingAside };
export type Mendable = Extract<Found, { readonly remedy: Mend }>;

export class Look {
  readonly #heldMax: number;
  /** In the order in which they were told, the first of each sort: what is more is found again by the next walk. */
  readonly #held: Found[] = [];
  /** Held or not. A sort apart for each: were there no room left for one, it would look as if there were none of it. */
  readonly #counts = { left: 0, adding: 0, taking: 0, aside: 0 };
  #unread: Finding | undefined;
  #isContentMissing = false;
  /** Why what was tried was not done, by finding. */
  readonly #failures = new Map<string, string>();
  /** The first in each place that was to add something, and could not be done. */
  readonly #stuck = new Map<string, Finding>();

  /** @param heldMax how many findings of each sort are held */
  constructor(heldMax: number) {
    this.#heldMax = heldMax;
  }

  take(finding: Finding, remedy: Remedy | undefined): void {
    if (UNREAD.has(finding.kind)) this.#unread ??= finding;
    if (finding.kind === 'contentMissing') this.#isContentMissing = true;
    const found = sorted(finding, remedy);
    this.#counts[found.sort] += 1;
    if (this.#counts[found.sort] <= this.#heldMax) this.#held.push(found);
  }

  /** All of it; undefined where that is more than is held. */
  get found(): readonly Found[] | undefined {
    const { left, adding, taking, aside } = this.#counts;
    return left + adding + taking + aside === this.#held.length ? this.#held : undefined;
  }

  get adding(): readonly Mendable[] {
    return this.#held.filter((found) => found.sort === 'adding');
  }

  /** Those that nothing stands against, as far as is known by now: to be asked for when what adds something was tried. */
  get taking(): readonly Mendable[] {
    return this.#held.flatMap((found) =>
      found.sort === 'taking' && this.#whyNot(found) === undefined ? [found] : [],
    );
  }

  /** The same of files. */
  get aside(): readonly Extract<Found, { readonly sort: 'aside' }>[] {
    return this.#held.flatMap((found) =>
      found.sort === 'aside' && this.#whyNot(found) === undefined ? [found] : [],
    );
  }

  failed({ sort, finding }: Pick<Found, 'sort' | 'finding'>, why: string): void {
    this.#failures.set(keyOf(finding), why);
    const place = placeOf(finding);
    if (sort === 'adding' && !this.#stuck.has(place)) this.#stuck.set(place, finding);
  }

  /** The finding as it is told where it is left: with why, where that is known. */
  told(finding: Finding, remedy: Remedy | undefined): Finding {
    const why = this.#failures.get(keyOf(finding)) ?? this.#whyNot(sorted(finding, remedy));
    return why === undefined ? finding : { ...finding, detail: `${finding.detail}; ${why}` };
  }

  /**
   * Why something may not be taken away, or out of the extents: that nothing refers to it is proved only where everything
   * could be read, and all is there that can be added. What could not be added to a volume matters to that volume alone:
   * no mend has a name or an inode refer to bytes outside the metadata, or to another volume.
   */
  #whyNot({ sort, finding }: Found): string | undefined {
    if (sort !== 'taking' && sort !== 'aside') return undefined;
    if (finding.kind === 'containerWithoutReferent' && this.#isContentMissing)
      return 'it may have the bytes of a content that is missing';
    if (this.#unread) return `it stays while there is ${named(this.#unread)}, which may refer to it`;
    const stuck = this.#stuck.get(ELSEWHERE) ?? this.#stuck.get(placeOf(finding));
    if (stuck) return `it stays while ${named(stuck)} can not be mended, which may need it`;
    return this.#counts.adding > this.#heldMax ? 'it stays until more is mended that may need it' : undefined;
  }
}

function sorted(finding: Finding, remedy: Remedy | undefined): Found {
  if (!remedy) return { sort: 'left', finding };
  if (!isMend(remedy)) return { sort: 'aside', finding, remedy };
  return { sort: remedy.restsOnAll === true ? 'taking' : 'adding', finding, remedy };
}

const placeOf = ({ where }: Finding): string => (where.startsWith('volume ') ? where : ELSEWHERE);
const named = ({ kind, what, where }: Finding): string => `${kind} (${what}, ${where})`;
const keyOf = ({ kind, what, where, detail }: Finding): string => [kind, what, where, detail].join('\n');
