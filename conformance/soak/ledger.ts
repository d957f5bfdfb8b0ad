/**
 * What clients asked and what was acknowledged, and so what may be found after a restart. It is a fold over
 * events, which can be printed as they happen and read elsewhere: by who cuts the power, after the cut.
 */
import type { Version } from './bodies.ts';
import { canLead } from './trail.ts';

/** What lies under a key; null is nothing. */
export type State = Version | null;

export type LedgerEvent =
  /**
   * A request that changes a key is about to be sent. `from`: the state it insists on, an ETag or `''` for none.
   * `together`: what it shares with the changes of other keys that are made with it, or none of them is.
   */
  | {
      readonly t: 'try';
      readonly op: string;
      readonly key: string;
      readonly kind: string;
      readonly from?: string;
      readonly to: State;
      readonly together?: string;
    }
  /** It was acknowledged, */
  | { readonly t: 'ok'; readonly op: string }
  /** or refused: it changed nothing. */
  | { readonly t: 'no'; readonly op: string }
  /** What a check found. From here on nothing else may be found, until the next request. */
  | { readonly t: 'seen'; readonly key: string; readonly state: State }
  | { readonly t: 'upload'; readonly upload: string; readonly key: string; readonly tag: string }
  | ({ readonly t: 'part'; readonly upload: string } & Part)
  /** Complete or abort is about to be sent. */
  | { readonly t: 'closing'; readonly upload: string; readonly how: 'complete' | 'abort' }
  | { readonly t: 'closed'; readonly upload: string };

/** Acknowledged. */
export interface Part {
  readonly partNumber: number;
  readonly pieces: Version['pieces'];
  readonly lengthBytes: number;
  readonly etag: string;
}

export interface Upload {
  readonly upload: string;
  readonly key: string;
  readonly tag: string;
  readonly parts: ReadonlyMap<number, Part>;
  readonly closing: 'complete' | 'abort' | undefined;
}

interface Attempt {
  readonly op: string;
  readonly kind: string;
  readonly from: string | undefined;
  readonly to: State;
  readonly together: string | undefined;
  acknowledged: boolean;
}

interface KeyRecord {
  settled: State;
  /** Since it was settled; of unconditional ones only those without an answer. */
  attempts: Attempt[];
}

export interface Together {
  readonly name: string;
  readonly changes: readonly { readonly key: string; readonly before: State; readonly after: State }[];
}

/** What a look at a key found. */
export type Found = Omit<Version, 'pieces'> | null;

export type Judgement =
  | { readonly kind: 'right'; readonly state: State }
  | { readonly kind: 'wrong'; readonly allowed: readonly State[] };

export class Ledger {
  readonly #keys = new Map<string, KeyRecord>();
  readonly #attempts = new Map<string, { readonly key: string; readonly attempt: Attempt }>();
  readonly #uploads = new Map<string, Upload & { parts: Map<number, Part> }>();
  readonly #tell: (event: LedgerEvent) => void;
  /** How many requests of each kind were acknowledged, for the figures. */
  readonly acknowledged = new Map<string, number>();

  /** @param tell is given each new event before anything is done about it. */
  constructor(tell: (event: LedgerEvent) => void = () => undefined) {
    this.#tell = tell;
  }

  record(event: LedgerEvent): void {
    this.#tell(event);
    this.replay(event);
  }

  /** Takes an event that was told before. */
  replay(event: LedgerEvent): void {
    switch (event.t) {
      case 'try': {
        const { key, op, kind, from, to, together } = event;
        const attempt = { op, kind, from, to, together, acknowledged: false };
        this.#recordOf(key).attempts.push(attempt);
        this.#attempts.set(op, { key, attempt });
        return;
      }
      case 'ok':
        this.#acknowledge(event.op);
        return;
      case 'no':
        this.#refuse(event.op);
        return;
      case 'seen': {
        const record = this.#recordOf(event.key);
        for (const { op } of record.attempts) this.#attempts.delete(op);
        record.settled = event.state;
        record.attempts = [];
        return;
      }
      case 'upload':
        this.#uploads.set(event.upload, { ...event, parts: new Map(), closing: undefined });
        return;
      case 'part':
        this.#uploads.get(event.upload)?.parts.set(event.partNumber, event);
        this.#count('part');
        return;
      case 'closing': {
        const upload = this.#uploads.get(event.upload);
        if (upload) this.#uploads.set(event.upload, { ...upload, closing: event.how });
        return;
      }
      case 'closed':
        this.#uploads.delete(event.upload);
    }
  }

  /** The shortest tale that leads to the same ledger. */
  events(): LedgerEvent[] {
    const keys = [...this.#keys].flatMap(([key, { settled, attempts }]): LedgerEvent[] => [
      { t: 'seen', key, state: settled },
      ...attempts.flatMap(({ op, kind, from, to, together, acknowledged }): LedgerEvent[] => [
        {
          t: 'try',
          op,
          key,
          kind,
          to,
          ...(from !== undefined && { from }),
          ...(together !== undefined && { together }),
        },
        ...(acknowledged ? [{ t: 'ok' as const, op }] : []),
      ]),
    ]);
    const uploads = [...this.#uploads.values()].flatMap(
      ({ upload, key, tag, parts, closing }): LedgerEvent[] => [
        { t: 'upload', upload, key, tag },
        ...[...parts.values()].map((part) => ({ ...part, t: 'part' as const, upload })),
        ...(closing ? [{ t: 'closing' as const, upload, how: closing }] : []),
      ],
    );
    return [...keys, ...uploads];
  }

  keys(): string[] {
    return [...this.#keys.keys()];
  }

  /** What surely lies under a key that only one client changes; undefined while a request may have changed it. */
  certain(key: string): State | undefined {
    const record = this.#keys.get(key);
    if (!record) return null;
    return record.attempts.length === 0 ? record.settled : undefined;
  }

  /** Of all objects, as they were last settled. */
  lengthBytes(): number {
    return [...this.#keys.values()].reduce((sum, { settled }) => sum + (settled?.lengthBytes ?? 0), 0);
  }

  uploads(): Upload[] {
    return [...this.#uploads.values()];
  }

  /** Changes without an answer that are made together or not at all. */
  together(): Together[] {
    const open = [...this.#attempts.values()].filter(({ attempt }) => !attempt.acknowledged);
    const groups = Map.groupBy(open, ({ attempt }) => attempt.together);
    return [...groups].flatMap(([name, members]) => {
      if (name === undefined) return [];
      const changes = members.map(({ key, attempt }) => ({
        key,
        before: this.#recordOf(key).settled,
        after: attempt.to,
      }));
      return [{ name, changes }];
    });
  }

  /** Requests that nobody answered. */
  open(): number {
    return [...this.#attempts.values()].filter(({ attempt }) => !attempt.acknowledged).length;
  }

  judge(key: string, found: Found): Judgement {
    const { settled, attempts } = this.#recordOf(key);
    const conditional = attempts.filter(({ from }) => from !== undefined);
    const states = [settled, ...attempts.map(({ to }) => to)];
    const state = states.find((candidate) => isSame(candidate, found));
    const wrong = { kind: 'wrong', allowed: states } as const;
    if (state === undefined) return wrong;
    const right = { kind: 'right', state } as const;
    if (conditional.length === 0) return right;
    const steps = (some: readonly Attempt[]) =>
      some.map(({ from = '', to }) => ({ from, to: to?.etag ?? '' }));
    const explained = canLead({
      start: settled?.etag ?? '',
      end: found?.etag ?? '',
      sure: steps(attempts.filter(({ acknowledged }) => acknowledged)),
      open: steps(attempts.filter(({ acknowledged }) => !acknowledged)),
    });
    return explained ? right : wrong;
  }

  #recordOf(key: string): KeyRecord {
    let record = this.#keys.get(key);
    if (!record) {
      record = { settled: null, attempts: [] };
      this.#keys.set(key, record);
    }
    return record;
  }

  #acknowledge(op: string): void {
    const known = this.#attempts.get(op);
    if (!known) return;
    known.attempt.acknowledged = true;
    this.#count(known.attempt.kind);
    if (known.attempt.from !== undefined) return;
    // One client, one request at a time: this is the newest.
    const record = this.#recordOf(known.key);
    record.settled = known.attempt.to;
    record.attempts = record.attempts.filter((attempt) => attempt !== known.attempt);
    this.#attempts.delete(op);
  }

  #count(kind: string): void {
    this.acknowledged.set(kind, (this.acknowledged.get(kind) ?? 0) + 1);
  }

  #refuse(op: string): void {
    const known = this.#attempts.get(op);
    if (!known) return;
    const record = this.#recordOf(known.key);
    record.attempts = record.attempts.filter((attempt) => attempt !== known.attempt);
    this.#attempts.delete(op);
  }
}

function isSame(state: State, found: Found): boolean {
  if (!state || !found) return state === found;
  const { tag, lengthBytes, sha256, etag, byNfs } = state;
  if (byNfs) return lengthBytes === found.lengthBytes && sha256 === found.sha256;
  return (
    tag === found.tag && lengthBytes === found.lengthBytes && sha256 === found.sha256 && etag === found.etag
  );
}
