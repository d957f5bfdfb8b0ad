import type { Op, WriteTx } from '@facet/engine';
import type { CommandContext } from '../../commands/command.ts';

/**
 * What puts one finding right, in one transaction.
 *
 * Many are gathered in a walk and done after it, so each looks again at what it changes and changes that alone. Done
 * twice, it does nothing the second time.
 */
export interface Mend {
  /** As a log says it: `counts the entries of directory 5 anew`. */
  readonly doing: string;
  /**
   * It takes something away, or a count down, since nothing refers to it: which is proved only where everything could be
   * read, and after all that adds something.
   */
  readonly restsOnAll?: true;
  /** The kinds of records that it makes from others, as their keys begin: a damaged one is replaced, as if it were absent. */
  readonly makes?: readonly number[];
  /** @returns whether there was anything to do */
  run(tx: WriteTx, context: CommandContext): Op<boolean>;
}

/** What puts a file right that nothing refers to: it is moved out of the extents, and kept. */
export interface SettingAside {
  /** Below the directory of extents. */
  readonly path: string;
}

/** What is to be done about a finding. */
export type Remedy = Mend | SettingAside;

export const isMend = (remedy: Remedy): remedy is Mend => 'run' in remedy;

/** Takes a record away that nothing needs. */
export function removal(key: Uint8Array, what: string): Mend {
  return {
    doing: `removes ${what}`,
    restsOnAll: true,
    *run(tx) {
      if (!(yield* tx.get(key))) return false;
      tx.delete(key);
      return true;
    },
  };
}

/** Changes one record that is there; `change` answers undefined where nothing is to be done. */
export function edit<T>(
  key: Uint8Array,
  codec: { readonly decode: (bytes: Uint8Array) => T; readonly encode: (record: T) => Uint8Array },
  how: { readonly doing: string; readonly restsOnAll?: true; readonly change: (record: T) => T | undefined },
): Mend {
  const { change, ...rest } = how;
  return {
    ...rest,
    *run(tx) {
      const stored = yield* tx.get(key);
      const next = stored && change(codec.decode(stored));
      if (next === undefined) return false;
      tx.put(key, codec.encode(next));
      return true;
    },
  };
}
