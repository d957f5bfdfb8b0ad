/**
 * Who calls, as the call says: AUTH_NONE or AUTH_SYS. Nothing proves it but the peer's address, which is why
 * exports name networks.
 *
 * @source RFC 5531 §8, §10.1, appendix A
 */
import { XdrError } from '../xdr/error.ts';
import { XdrReader } from '../xdr/reader.ts';
import { XdrWriter } from '../xdr/writer.ts';

export type Credential =
  | { readonly flavor: 'none' }
  | {
      readonly flavor: 'sys';
      /** What the client calls itself, at most 255 bytes as latin1. Nothing proves it. */
      readonly machine: string;
      readonly uid: number;
      readonly gid: number;
      /** At most 16, without `gid`. */
      readonly groups: readonly number[];
    };

export const AUTH_NONE = 0;
export const AUTH_SYS = 1;
/** Of the body of a credential or verifier. */
export const AUTH_BODY_BYTES_MAX = 400;

const MACHINE_BYTES_MAX = 255;
const GROUPS_MAX = 16;

export const NO_CREDENTIAL: Credential = { flavor: 'none' };

const readId = (reader: XdrReader): number => reader.uint32();

/** Reads the body of an AUTH_SYS credential. @throws XdrError */
function readAuthSys(body: Buffer): Credential {
  const reader = new XdrReader(body);
  reader.uint32(); // The stamp: any number, of no use to us.
  const machine = reader.opaque(MACHINE_BYTES_MAX).toString('latin1');
  const uid = reader.uint32();
  const gid = reader.uint32();
  const groups = reader.array(GROUPS_MAX, readId);
  reader.end();
  return { flavor: 'sys', machine, uid, gid, groups };
}

/** Writes flavor and body, as a call's credential. @throws RangeError if a name or list is too long. */
export function writeCredential(writer: XdrWriter, credential: Credential): void {
  if (credential.flavor === 'none') {
    writer.uint32(AUTH_NONE).uint32(0);
    return;
  }
  const { machine, uid, gid, groups } = credential;
  const name = Buffer.from(machine, 'latin1');
  if (name.length > MACHINE_BYTES_MAX || groups.length > GROUPS_MAX) {
    throw new RangeError(`AUTH_SYS has no room for ${name.length} bytes of name and ${groups.length} groups`);
  }
  const body = new XdrWriter()
    .uint32(0)
    .opaque(name)
    .uint32(uid)
    .uint32(gid)
    .array(groups, (to, group) => to.uint32(group));
  writer.uint32(AUTH_SYS).uint32(body.lengthBytes).append(body);
}

/** `undefined` if the flavor is none we know. @throws XdrError if the body is not what the flavor has. */
export function readCredential(flavor: number, body: Buffer): Credential | undefined {
  switch (flavor) {
    case AUTH_NONE:
      if (body.length > 0) throw new XdrError(`an AUTH_NONE credential has ${body.length} bytes`);
      return NO_CREDENTIAL;
    case AUTH_SYS:
      return readAuthSys(body);
    default:
      return undefined;
  }
}
