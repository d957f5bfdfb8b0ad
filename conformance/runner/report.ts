/** What the run says: a line a check, a table a suite, and one last line that programs can read. */
import type { Outcome, Verdict } from './suite.ts';

const WORDS: Readonly<Record<Verdict['kind'], string>> = { passed: 'pass', failed: 'FAIL', skipped: 'skip' };
const KINDS = ['passed', 'failed', 'skipped'] as const;

interface Told extends Outcome {
  readonly suite: string;
}

export class Report {
  readonly #told: Told[] = [];

  add(suite: string, outcome: Outcome): void {
    this.#told.push({ suite, ...outcome });
    const { verdict, check, seconds } = outcome;
    console.log(`${WORDS[verdict.kind]}  ${suite}  ${check}  ${seconds.toFixed(1)} s`);
    if (verdict.kind !== 'passed') console.log(indent(verdict.reason));
  }

  get failed(): number {
    return this.#count(this.#told).failed;
  }

  finish(): void {
    const suites = [...new Set(this.#told.map(({ suite }) => suite))];
    const rows = suites.map((suite) => {
      const own = this.#told.filter((told) => told.suite === suite);
      const counts = this.#count(own);
      const seconds = own.reduce((sum, told) => sum + told.seconds, 0);
      return [suite, ...KINDS.map((kind) => String(counts[kind])), seconds.toFixed(0)];
    });
    console.log(`\n${table(['SUITE', 'PASSED', 'FAILED', 'SKIPPED', 'SECONDS'], rows)}\n`);
    for (const kind of ['skipped', 'failed'] as const) {
      for (const { suite, check, verdict } of this.#told) {
        if (verdict.kind === 'passed' || verdict.kind !== kind) continue;
        console.log(`${WORDS[kind]}  ${suite}  ${check}\n${indent(verdict.reason)}`);
      }
    }
    const { passed, failed, skipped } = this.#count(this.#told);
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  }

  #count(told: readonly Told[]): Record<Verdict['kind'], number> {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    for (const { verdict } of told) counts[verdict.kind] += 1;
    return counts;
  }
}

function indent(text: string): string {
  return text.replace(/^/gm, '      ');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ');
  return [head, ...rows].map(line).join('\n');
}
