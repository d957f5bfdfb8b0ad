/** What goes wrong when a door opens, said so that one knows what to do. */

import { EXIT } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { type Address, formatAddress } from '../settings/address.ts';

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something listens there already',
  EACCES: 'this user may not listen there',
  EPERM: 'this user may not listen there',
  EADDRNOTAVAIL: 'this machine has no such address',
  EAFNOSUPPORT: 'this machine does not speak that kind of address',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
  EINVAL: 'that is no address to listen on',
};

export interface Door {
  readonly address: Address;
  readonly flag: '--s3' | '--admin' | '--nfs' | '--portmap';
}

/**
 * Doors where another process of this server accepts connections, and hands them to the one whose doors they are: it is
 * there while that one is replaced.
 */
export interface AcceptedAt {
  readonly admin?: Address;
  readonly nfs?: Address;
  readonly portmap?: Address;
}

/**
 * Binds with `bind` and gives the address really bound.
 * @param opened this server's own doors that are open already: one of them may be what is in the way
 * @throws CommandFailure naming flag and address
 */
export async function listen(
  { address, flag, opened = [] }: Door & { readonly opened?: readonly Door[] },
  bind: (address: Address) => Promise<{ readonly port: number }>,
): Promise<Address> {
  try {
    return { host: address.host, port: (await bind(address)).port };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    const own = code === 'EADDRINUSE' ? opened.find((door) => door.address.port === address.port) : undefined;
    const reason = own
      ? `this server's own ${own.flag} ${formatAddress(own.address)} has that port; choose another ${flag} or ${own.flag}`
      : `${REASONS[code] ?? (error as Error).message}; choose another ${flag}`;
    throw new CommandFailure({
      exitCode: EXIT.failed,
      code: 'CannotListen',
      message: `cannot listen on ${flag} ${formatAddress(address)}: ${reason}`,
    });
  }
}
