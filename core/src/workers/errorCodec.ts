/** How what goes wrong in one process is told in another: the core's refusals as themselves, all else as a bug. */

import { FsError, type FsErrorCode } from '../errors.ts';

interface Encoded {
  /** Absent: a bug. */
  readonly code?: FsErrorCode;
  readonly message: string;
  readonly isOfMetadata?: true;
  readonly stack?: string;
}

export const errorCodec = {
  encode(error: unknown): Encoded {
    if (error instanceof FsError) {
      const { code, message, isOfMetadata } = error;
      return { code, message, ...(isOfMetadata && { isOfMetadata }) };
    }
    if (!(error instanceof Error)) return { message: String(error) };
    return { message: error.message, ...(error.stack !== undefined && { stack: error.stack }) };
  },

  decode(encoded: Encoded): Error {
    const { code, message, stack, isOfMetadata = false } = encoded;
    if (code !== undefined) return new FsError(code, message, { isOfMetadata });
    return Object.assign(new Error(message), stack === undefined ? {} : { stack });
  },
};

export function interrupted(): FsError {
  return new FsError('Interrupted', 'the process of the store ended meanwhile: ask again');
}
