/** Findings on their way out: those about bytes wait until it is known of which objects they are. */

import type { Finding } from './findings.ts';
import type { Mend } from './mends/mend.ts';
import { objectsOf } from './referrers.ts';
import type { Inspection, Report } from './store.ts';

/** To be told of objects, which costs a walk for all of them together. Those after so many go without. */
const HELD_MAX = 10_000;

interface Held {
  readonly finding: Finding;
  readonly contents: readonly number[];
}

export class Findings {
  readonly #tell: (finding: Finding) => void;
  readonly #onMend: ((mend: Mend, finding: Finding) => void) | undefined;
  #held: Held[] = [];
  count = 0;

  constructor(tell: (finding: Finding) => void, onMend?: (mend: Mend, finding: Finding) => void) {
    this.#tell = tell;
    this.#onMend = onMend;
  }

  readonly report: Report = (kind, { what, where, contents = [] }, detail, mend) => {
    this.count += 1;
    const finding = { kind, what, where, detail };
    if (mend) this.#onMend?.(mend, finding);
    if (contents.length > 0 && this.#held.length < HELD_MAX) this.#held.push({ finding, contents });
    else this.#tell(finding);
  };

  /** Tells of what waits, in order. */
  async tellObjects(inspection: Pick<Inspection, 'store' | 'layers'>): Promise<void> {
    const held = this.#held;
    this.#held = [];
    if (held.length === 0) return;
    const known = await objectsOf(inspection, new Set(held.flatMap(({ contents }) => contents)));
    for (const { finding, contents } of held) {
      const objects = contents.flatMap((content) => known.get(content) ?? []);
      this.#tell(objects.length === 0 ? finding : { ...finding, objects });
    }
  }
}
