/** What the host tells the guest to do, and what the guest tells while it does: one line each. */
import type { LedgerEvent } from './ledger.ts';

export interface GuestPlan {
  readonly data: string;
  readonly workers: number;
  readonly logFile: string;
  readonly seed: string;
  readonly round: string;
  readonly clients: number;
  readonly keysEach: number;
  /** All that happened so far. */
  readonly ledger: readonly LedgerEvent[];
  readonly cut: CutPlan;
  /** Of the server that is under load; the one that is checked before is as it should be. */
  readonly environment: Readonly<Record<string, string>>;
}

export type CutPlan =
  /** As soon as that many changes are acknowledged under load, or so much later. */
  | { readonly kind: 'load'; readonly changes: number; readonly laterMs: number }
  /** That long after the server was started that recovers from the last cut. */
  | { readonly kind: 'start'; readonly afterMs: number }
  /** Only the check; nothing is cut. */
  | { readonly kind: 'none' };

export type GuestEvent =
  | LedgerEvent
  | { readonly t: 'ready'; readonly ms: number }
  | { readonly t: 'verified'; readonly keys: number; readonly objects: number; readonly unknown: number }
  /** The server was stopped and fsck had nothing to say. */
  | { readonly t: 'clean' }
  | { readonly t: 'loading' }
  | { readonly t: 'fault'; readonly during: 'check' | 'load'; readonly fault: string };

/** Begins each line that is meant for the host. */
export const LINE = 'soak: ';
export const CUT_LINE = 'soak cuts the power here';

export function lineOf(event: GuestEvent): string {
  return `${LINE}${JSON.stringify(event)}\n`;
}

/** @returns undefined for what is none: words of others, or a line that the cut left half */
export function eventOf(line: string): GuestEvent | undefined {
  if (!line.startsWith(LINE)) return undefined;
  try {
    return JSON.parse(line.slice(LINE.length));
  } catch {
    return undefined;
  }
}
