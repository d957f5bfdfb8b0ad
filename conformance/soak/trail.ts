/**
 * Whether conditional changes, of which nobody knows the order, can have led from one state to another. Every
 * version is made by one request, and each change names the version that it replaces: so if two of them had won
 * against the same version no order would explain both.
 */

/** States are ETags; `''` is no object. */
export interface Step {
  readonly from: string;
  readonly to: string;
}

export interface Journey {
  readonly start: string;
  readonly end: string;
  /** Acknowledged: each was made. */
  readonly sure: readonly Step[];
  /** In flight when the server died: each was made, or not at all. */
  readonly open: readonly Step[];
}

/** More at once would take too many trials; there is one a client. */
export const OPEN_STEPS_MAX = 16;

export function canLead({ start, end, sure, open }: Journey): boolean {
  if (open.length > OPEN_STEPS_MAX) throw new Error(`${open.length} requests in flight at one key`);
  for (let made = 0; made < 2 ** open.length; made += 1) {
    const steps = [...sure, ...open.filter((_, at) => made & (1 << at))];
    if (isTrail(steps, { start, end })) return true;
  }
  return false;
}

/** Euler's condition: one walk uses every step once. */
function isTrail(steps: readonly Step[], { start, end }: Pick<Journey, 'start' | 'end'>): boolean {
  const balance = new Map<string, number>([[start, 1]]);
  const add = (state: string, by: number): void => void balance.set(state, (balance.get(state) ?? 0) + by);
  add(end, -1);
  for (const { from, to } of steps) {
    add(from, -1);
    add(to, 1);
  }
  if ([...balance.values()].some((value) => value !== 0)) return false;
  return isConnected(steps, start);
}

function isConnected(steps: readonly Step[], start: string): boolean {
  const next = new Map<string, string[]>();
  for (const { from, to } of steps) {
    const known = next.get(from);
    if (known) known.push(to);
    else next.set(from, [to]);
  }
  const reached = new Set([start]);
  const waiting = [start];
  for (let state = waiting.pop(); state !== undefined; state = waiting.pop()) {
    for (const to of next.get(state) ?? []) {
      if (reached.has(to)) continue;
      reached.add(to);
      waiting.push(to);
    }
  }
  return steps.every(({ from }) => reached.has(from));
}
