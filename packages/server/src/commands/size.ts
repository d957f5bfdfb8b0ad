import { InvalidArgumentError } from 'commander';

const UNITS = ['', 'K', 'M', 'G', 'T', 'P'];

/** Bytes, in powers of 1,024 where a unit is given. @throws InvalidArgumentError that ends in `others` */
export function parseBytes(text: string, others = ''): number {
  const [, digits, unit] = /^(\d{1,16})([KMGTP]?)$/i.exec(text) ?? [];
  const bytes = Number(digits) * 1024 ** UNITS.indexOf(unit?.toUpperCase() ?? '');
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new InvalidArgumentError(`It must be a number of bytes, as in 1048576, 500M or 2T${others}.`);
}

/** For people, as in `1.3 GiB`. */
export function formatBytes(bytes: number): string {
  let unit = 0;
  for (; bytes >= 1000 && unit < UNITS.length - 1; unit += 1) bytes /= 1024;
  return `${unit === 0 || bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)} ${UNITS[unit]}${unit === 0 ? 'bytes' : 'iB'}`;
}
