/** `--rate`: how much work beside the clients' may read. */

import { type Command, InvalidArgumentError } from 'commander';
import { parseBytes } from './size.ts';

const RATE_MIN = 1 << 20;
const RATE_DEFAULT = '100M';

export interface RateOptions {
  /** Bytes a second. */
  readonly rate?: number;
}

export function addRateOption(command: Command): Command {
  return command.option(
    '--rate <SIZE>',
    `how much to read a second at most, at least 1M (default ${RATE_DEFAULT}); an eighth of it while the server is busy, or, where another process does it, the machine`,
    parseRate,
  );
}

export const rateOf = ({ rate }: RateOptions): number => rate ?? parseRate(RATE_DEFAULT);

/** Bytes a second. @throws InvalidArgumentError */
export function parseRate(text: string): number {
  const rate = parseBytes(text);
  if (rate >= RATE_MIN) return rate;
  throw new InvalidArgumentError('It must be 1M at least.');
}
