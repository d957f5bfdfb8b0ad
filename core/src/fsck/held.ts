/** Findings on their way out: those about bytes wait until it is known of which objects they are. */

import type { Finding } from './findings.ts';
import type { Remedy } from './mends/mend.ts';
import { objectsOf } from './referrers.ts';
import type { Inspection, Report } from './store.ts';

/** To be told of objects, which costs a walk for all of them together. Those after so many go without. */
const HELD_MAX = 10_000;

/** `remedy`: what is to be done about it, where that is known. */
export type OnFinding = (finding: Finding, remedy?: Remedy) => void;

interface Held {
  readonly finding: Finding;
  readonly remedy: Remedy | undefined;
  readonly contents: readonly number[];
}

export class Findings {
  readonly #tell: OnFinding;
  #held: Held[] = [];
  count = 0;

  constructor(tell: OnFinding) {
    this.#tell = tell;
  }

  readonly report: Report = (kind, { what, where, contents = [] }, detail, remedy) => {
    this.count += 1;
    const finding = { kind, what, where, detail };
    if (contents.length > 0 && this.#held.length < HELD_MAX) this.#held.push({ finding, remedy, contents });
    else this.#tell(finding, remedy);
  };

  /** Tells of what waits, in order. */
  async tellObjects(inspection: Pick<Inspection, 'store' | 'layers'>): Promise<void> {
    const held = this.#held;
    this.#held = [];
    if (held.length === 0) return;
    const known = await objectsOf(inspection, new Set(held.flatMap(({ contents }) => contents)));
    for (const { finding, remedy, contents } of held) {
      const objects = contents.flatMap((content) => known.get(content) ?? []);
      this.#tell(objects.length === 0 ? finding : { ...finding, objects }, remedy);
    }
  }
}
