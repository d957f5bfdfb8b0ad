/**
 * Tells the host's rpcbind where programs are served, for clients that ask port 111.
 *
 * @source RFC 1833 §3.2, PMAPPROC_SET and PMAPPROC_UNSET
 */
import { callRpc } from '../rpc/client.ts';
import { XdrWriter } from '../xdr/writer.ts';
import {
  type Mapping,
  PORTMAP_PORT,
  PORTMAP_PROCEDURE,
  PORTMAP_PROGRAM,
  PORTMAP_VERSION,
  writeMapping,
} from './wire.ts';

const TIMEOUT_MS = 3000;

/**
 * Registers each mapping in place of what is registered for its program and version, and returns what removes them again.
 * It removes only what still has the port it was given: another server may have come since.
 *
 * @throws RpcError when there is no rpcbind; Error when it refuses.
 */
export async function registerWithRpcbind(
  mappings: readonly Mapping[],
  rpcbind: { readonly host: string; readonly port: number } = { host: '127.0.0.1', port: PORTMAP_PORT },
): Promise<() => Promise<void>> {
  const ask = (procedure: number, mapping: Mapping): ReturnType<typeof callRpc> =>
    callRpc({
      ...rpcbind,
      transport: 'tcp',
      program: PORTMAP_PROGRAM,
      version: PORTMAP_VERSION,
      procedure,
      args: writeMapping(new XdrWriter(), mapping),
      timeoutMs: TIMEOUT_MS,
    });
  // UNSET is for all protocols of a version.
  const versions = mappings.filter(
    (mapping, index) =>
      mappings.findIndex(
        ({ program, version }) => program === mapping.program && version === mapping.version,
      ) === index,
  );
  for (const mapping of versions) await ask(PORTMAP_PROCEDURE.UNSET, mapping);
  for (const mapping of mappings) {
    const reply = await ask(PORTMAP_PROCEDURE.SET, mapping);
    if (!reply.bool()) {
      throw new Error(
        `rpcbind at ${rpcbind.host}:${rpcbind.port} refused program ${mapping.program} at port ${mapping.port}: ` +
          'another server has it registered. Stop that one, or serve without registration.',
      );
    }
  }
  return async () => {
    for (const mapping of versions) {
      const port = (await ask(PORTMAP_PROCEDURE.GETPORT, mapping)).uint32();
      if (port === mapping.port) await ask(PORTMAP_PROCEDURE.UNSET, mapping);
    }
  };
}
