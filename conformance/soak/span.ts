/**
 * What a ledger was told while a copy of the store was made. The copy is of one moment of that: of one at which the ledger
 * allows all that is found in it. What was acknowledged before the first moment and not changed since must be there, and of two
 * changes that came one after the other the copy can not have the second alone.
 */
import { changedInPart, wrongState } from './findings.ts';
import { type Found, Ledger, type LedgerEvent, type State, type Upload } from './ledger.ts';

/** Of the request that an event is about. */
interface About {
  readonly key: string;
  readonly together: string | undefined;
}

export class Span {
  readonly #before: readonly LedgerEvent[];
  readonly #during: LedgerEvent[] = [];

  /** It begins now. */
  constructor(ledger: Ledger) {
    this.#before = ledger.events();
  }

  add(event: LedgerEvent): void {
    this.#during.push(event);
  }

  /** As it was when the span ended. */
  ledger(): Ledger {
    return ledgerOf([...this.#before, ...this.#during]);
  }

  /** Under way from the first moment to the last, with the parts that were there at the first. */
  uploads(): Upload[] {
    const open = new Set(
      this.ledger()
        .uploads()
        .flatMap(({ upload, closing }) => (closing === undefined ? [upload] : [])),
    );
    return ledgerOf(this.#before)
      .uploads()
      .filter(({ upload }) => open.has(upload));
  }

  /** @returns what can not have been there at the moment at which the least can not: nothing, if all can have been at one */
  faults(found: ReadonlyMap<string, Found>): readonly string[] {
    const told = [...this.#before, ...this.#during];
    const about = new Map<string, About>();
    for (const event of told) {
      if (event.t === 'try') about.set(event.op, { key: event.key, together: event.together });
    }
    const refused = new Set(this.#during.flatMap((event) => (event.t === 'no' ? [event.op] : [])));
    // It changed nothing at any moment.
    const isNothing = (event: LedgerEvent): boolean => 'op' in event && refused.has(event.op);
    const moment = new Moment(ledgerOf(this.#before.filter((event) => !isNothing(event))), found);
    let best = moment.faults();
    const during = this.#during.filter((event) => !isNothing(event));
    for (const [at, event] of during.entries()) {
      moment.pass(event, keyOf(event, about));
      // What is asked and acknowledged of several keys at once is so at one moment.
      const group = groupOf(event, about);
      if (group !== undefined && group === groupOf(during[at + 1], about)) continue;
      const faults = best.length === 0 ? best : moment.faults();
      if (faults.length < best.length) best = faults;
    }
    return best;
  }
}

function ledgerOf(events: readonly LedgerEvent[]): Ledger {
  const ledger = new Ledger();
  for (const event of events) ledger.replay(event);
  return ledger;
}

function keyOf(event: LedgerEvent, about: ReadonlyMap<string, About>): string | undefined {
  if (event.t === 'seen') return event.key;
  return 'op' in event ? about.get(event.op)?.key : undefined;
}

function groupOf(event: LedgerEvent | undefined, about: ReadonlyMap<string, About>): string | undefined {
  if (event === undefined || !('op' in event)) return undefined;
  const together = about.get(event.op)?.together;
  return together === undefined ? undefined : `${event.t} ${together}`;
}

/** One moment after the other, and what was found beside what the ledger allows then. */
class Moment {
  readonly #ledger: Ledger;
  readonly #found: ReadonlyMap<string, Found>;
  readonly #states = new Map<string, State>();
  readonly #wrong = new Map<string, string>();

  constructor(ledger: Ledger, found: ReadonlyMap<string, Found>) {
    this.#ledger = ledger;
    this.#found = found;
    for (const key of found.keys()) this.#look(key);
  }

  pass(event: LedgerEvent, key: string | undefined): void {
    this.#ledger.replay(event);
    if (key !== undefined) this.#look(key);
  }

  faults(): readonly string[] {
    const inPart = this.#ledger.together().map((changes) => changedInPart(changes, this.#states));
    return [...this.#wrong.values(), ...inPart.filter((fault) => fault !== undefined)];
  }

  #look(key: string): void {
    const found = this.#found.get(key);
    // It could not be read.
    if (found === undefined) return;
    const judgement = this.#ledger.judge(key, found);
    if (judgement.kind === 'right') {
      this.#states.set(key, judgement.state);
      this.#wrong.delete(key);
    } else {
      this.#states.delete(key);
      this.#wrong.set(key, wrongState(key, { found, allowed: judgement.allowed }));
    }
  }
}
