/** What goes wrong when a door opens, said so that one knows what to do. */

import { EXIT } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { type Address, formatAddress } from '../settings/address.ts';

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something listens there already',
  EACCES: 'this user may not listen there',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'there is no such host',
};

/** Binds with `bind` and gives the address really bound. @throws CommandFailure naming flag and address */
export async function listen(
  { address, flag }: { readonly address: Address; readonly flag: '--s3' | '--admin' },
  bind: (address: Address) => Promise<{ readonly port: number }>,
): Promise<Address> {
  try {
    return { host: address.host, port: (await bind(address)).port };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw new CommandFailure({
      exitCode: EXIT.failed,
      code: 'CannotListen',
      message: `cannot listen on ${formatAddress(address)}: ${REASONS[code] ?? (error as Error).message}; choose another ${flag}`,
    });
  }
}
