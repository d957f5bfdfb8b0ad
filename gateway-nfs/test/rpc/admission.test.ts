import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Admission, type Claimant } from '../../src/rpc/admission.ts';

const BOUNDS = { callsMax: 2, recordBytesMax: 100, waitingBytesMax: 50, gatherMsMax: 1000, pauseMsMax: 400 };

let clockMs = 0;
beforeEach(() => {
  vi.useFakeTimers();
  clockMs = 0;
});
afterEach(() => vi.useRealTimers());

function pass(ms: number): void {
  clockMs += ms;
  vi.advanceTimersByTime(ms);
}

const admissionOf = (): Admission => new Admission(BOUNDS, () => clockMs);

/** Wants `lengthBytes` more, waits until it has them, and tells `events`. */
class Wanting implements Claimant {
  readonly #admission: Admission;
  readonly #name: string;
  readonly #events: string[];
  wantedBytes = 0;
  progressBytes = 0;

  constructor(admission: Admission, name: string, events: string[]) {
    this.#admission = admission;
    this.#name = name;
    this.#events = events;
  }

  want(lengthBytes: number): void {
    this.wantedBytes = lengthBytes;
    this.wake();
  }

  wake(): void {
    if (this.wantedBytes === 0) return;
    if (this.#admission.take(this, this.wantedBytes)) {
      this.wantedBytes = 0;
      this.#events.push(`${this.#name} has it`);
    } else {
      this.#admission.wait(this, 10);
    }
  }

  evict(): void {
    this.#events.push(`${this.#name} is ended`);
    this.#admission.leave(this);
  }
}

function claimants(admission: Admission, names: string): { events: string[]; each: Wanting[] } {
  const events: string[] = [];
  return { events, each: [...names].map((name) => new Wanting(admission, name, events)) };
}

describe('memory for records', () => {
  it('goes to who waits, in the order they came, when a call ends', () => {
    const admission = admissionOf();
    const { events, each } = claimants(admission, 'abcd');
    const [a, b, c, d] = each;
    a?.want(100);
    admission.startCall();
    if (a) admission.gathered(a);
    b?.want(60);
    c?.want(60);
    d?.want(10);
    expect(events).toEqual(['a has it']);
    admission.endCall(100);
    // Not d, though there is enough for it: c came first.
    expect(events).toEqual(['a has it', 'b has it']);
    if (b) admission.leave(b);
    expect(events).toEqual(['a has it', 'b has it', 'c has it', 'd has it']);
  });

  it('is given to the oldest record beyond what others hold, so that they cannot lock each other', () => {
    const admission = admissionOf();
    const { events, each } = claimants(admission, 'abc');
    const [a, b, c] = each;
    a?.want(40);
    b?.want(40);
    c?.want(20);
    c?.want(10);
    b?.want(50);
    expect(events).toEqual(['a has it', 'b has it', 'c has it']);
    a?.want(60);
    expect(events.at(-1)).toBe('a has it');
    // Then b is the oldest, but what a took is a call's now, and calls end.
    if (a) admission.gathered(a);
    admission.startCall();
    expect(events).toHaveLength(4);
    admission.endCall(100);
    expect(events.slice(4)).toEqual(['b has it']);
    if (b) admission.gathered(b);
    admission.startCall();
    admission.endCall(90);
    expect(events.slice(5)).toEqual(['c has it']);
  });

  it('is not given beyond the bound even to the oldest', () => {
    const admission = admissionOf();
    const { events, each } = claimants(admission, 'a');
    each[0]?.want(101);
    expect(events).toEqual([]);
  });

  it('is taken back from a record that is too long under way, when others wait', () => {
    const admission = admissionOf();
    const { events, each } = claimants(admission, 'abc');
    const [a, b, c] = each;
    a?.want(60);
    pass(5000);
    b?.want(40);
    expect(events).toEqual(['a has it', 'b has it']);
    c?.want(50);
    pass(250);
    expect(events.slice(2)).toEqual(['a is ended', 'c has it']);
    // Nobody waits: b may take its time.
    pass(5000);
    expect(events).toHaveLength(4);
  });

  it('is taken back from a record of which nothing comes, and not from one that gets on or is held back', () => {
    const admission = admissionOf();
    const { events, each } = claimants(admission, 'abcd');
    const [a, b, c, d] = each;
    a?.want(40);
    b?.want(40);
    c?.want(10);
    // Held back by us, whatever its peer would send.
    c?.want(50);
    // A pause counts from when others wait.
    pass(100);
    d?.want(70);
    for (let i = 0; i < 3; i += 1) {
      pass(100);
      if (a) a.progressBytes += 16 << 10;
    }
    expect(events).toEqual(['a has it', 'b has it', 'c has it', 'b is ended', 'c has it']);
    // Next is d's turn, which c and a still leave too little for: c gets nothing any more, and a goes on.
    for (let i = 0; i < 4; i += 1) {
      pass(100);
      if (a) a.progressBytes += 16 << 10;
    }
    expect(events.slice(5)).toEqual(['c is ended']);
    // Who gets on all the time has had its time at last.
    pass(400);
    expect(events.slice(6)).toEqual(['a is ended', 'd has it']);
  });

  it('that waits elsewhere is bounded, too', () => {
    const admission = admissionOf();
    const { events, each } = claimants(admission, 'abcdefg');
    for (const one of each) one.want(100);
    expect(events).toEqual(['a has it', 'a is ended', 'b has it']);
  });
});

describe('calls', () => {
  it('leave room, and wake who waits', () => {
    const admission = admissionOf();
    admission.startCall();
    expect(admission.hasRoomForCall).toBe(true);
    admission.startCall();
    expect(admission.hasRoomForCall).toBe(false);
    const events: string[] = [];
    const waiting = new Wanting(admission, 'w', events);
    waiting.wantedBytes = 1;
    admission.wait(waiting, 10);
    expect(events).toEqual([]);
    admission.endCall(0);
    expect(events).toEqual(['w has it']);
  });
});
