/** What is listed for people: more lines hide the outcome, which comes after them. `--json` has what is left out. */

import type { Finding, FindingKind } from '@facet/core';
import { counted } from './counted.ts';
import { describeFinding } from './describeFinding.ts';

const LINES_MAX = 20;

/** The first lines, and how many are not among them; `total` where they are not all. */
export function shortList(lines: readonly string[], total: number = lines.length): readonly string[] {
  const more = total - Math.min(lines.length, LINES_MAX);
  return more <= 0 ? lines : [...lines.slice(0, LINES_MAX), `and ${more} more, see --json`];
}

/** Findings as they come, of each kind the first. */
export class FindingLines {
  readonly #counts = new Map<FindingKind, number>();

  /** Its line, undefined where there were enough of its kind. */
  take(finding: Finding): string | undefined {
    const count = (this.#counts.get(finding.kind) ?? 0) + 1;
    this.#counts.set(finding.kind, count);
    return count > LINES_MAX ? undefined : describeFinding(finding);
  }

  /** `LEAD 31 findings: 30 frameMissing (20 listed, see --json), 1 frameDamaged`; nothing of less than two. */
  summary(lead: string): readonly string[] {
    const total = [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
    if (total < 2) return [];
    const kinds = [...this.#counts].map(
      ([kind, count]) => `${count} ${kind}${count > LINES_MAX ? ` (${LINES_MAX} listed, see --json)` : ''}`,
    );
    return [`${lead} ${counted(total, 'finding')}: ${kinds.join(', ')}`];
  }
}
