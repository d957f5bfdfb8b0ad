/** What a port mapper knows: the port of each program, version and protocol. */
import type { Mapping } from './wire.ts';

/** Programs that others may add. */
const ADDED_MAX = 1000;

export class PortMappings {
  readonly #own: readonly Mapping[];
  #added: readonly Mapping[] = [];

  /** `own`: those that no call removes. */
  constructor(own: readonly Mapping[]) {
    this.#own = own;
  }

  get all(): readonly Mapping[] {
    return [...this.#own, ...this.#added];
  }

  /** 0 when there is none. A version that is not there gets the port of another: its program tells the versions it has. */
  port(asked: Omit<Mapping, 'port'>): number {
    const served = this.all.filter(
      ({ program, protocol }) => program === asked.program && protocol === asked.protocol,
    );
    const exact = served.find(({ version }) => version === asked.version);
    return (exact ?? served[0])?.port ?? 0;
  }

  /** False when there is one already, or when it is none. */
  add(mapping: Mapping): boolean {
    const { program, version, protocol, port } = mapping;
    const isThere = this.all.some(
      (other) => other.program === program && other.version === version && other.protocol === protocol,
    );
    if (isThere || port === 0 || port > 0xffff || this.#added.length >= ADDED_MAX) return false;
    this.#added = [...this.#added, mapping];
    return true;
  }

  /** Removes what was added, of any protocol. False when there was nothing. */
  remove({ program, version }: Pick<Mapping, 'program' | 'version'>): boolean {
    const kept = this.#added.filter((other) => other.program !== program || other.version !== version);
    const removed = kept.length < this.#added.length;
    this.#added = kept;
    return removed;
  }
}
