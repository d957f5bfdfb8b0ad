/** A `CommandFailure` as it travels. */

import { z } from 'zod';
import { EXIT, EXIT_CODE_MEANINGS, type ExitCode } from '../exitCodes.ts';

const exitCode = z
  .number()
  .refine((value): value is ExitCode => value in EXIT_CODE_MEANINGS)
  .catch(EXIT.failed);

export const failureReport = z.object({ code: z.string(), message: z.string(), exitCode });
