import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Credential } from '../../src/rpc/credentials.ts';
import {
  type RpcReply,
  readCall,
  readReply,
  replyBytes,
  writeCall,
  writeReply,
} from '../../src/rpc/message.ts';
import { AUTH_STAT, type AuthError } from '../../src/rpc/program.ts';
import { XdrWriter } from '../../src/xdr/writer.ts';

const fromHex = (hex: string): Buffer => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');

/** What mount.nfs and the client of Linux 6 sent to mount `/x`, without record marks, taken off the wire. */
const MOUNT_NULL = fromHex(`
  94787a15 00000000 00000002 000186a5 00000003 00000000 00000000 00000000 00000000 00000000`);
const MOUNT_MNT = fromHex(`
  95787a15 00000000 00000002 000186a5 00000003 00000001 00000001 00000020 00000000 00000009
  6e667363 6c69656e 74000000 00000000 00000000 00000000 00000000 00000000 00000002 2f780000`);

describe('calls of a Linux client', () => {
  it('NULL, by AUTH_NONE', () => {
    const call = readCall(MOUNT_NULL);
    expect(call).toMatchObject({
      ...{ kind: 'call', xid: 0x94787a15, program: 100005, version: 3, procedure: 0 },
      credential: { flavor: 'none' },
    });
    expect(call.kind === 'call' && call.args.left).toBe(0);
  });

  it('MNT, by AUTH_SYS', () => {
    const call = readCall(MOUNT_MNT);
    expect(call).toMatchObject({
      ...{ kind: 'call', xid: 0x95787a15, program: 100005, version: 3, procedure: 1 },
      credential: { flavor: 'sys', machine: 'nfsclient', uid: 0, gid: 0, groups: [] },
    });
    expect(call.kind === 'call' && call.args.text(1024)).toBe('/x');
  });

  it('are what our client writes, too', () => {
    const args = new XdrWriter().text('/x');
    const credential: Credential = { flavor: 'sys', machine: 'nfsclient', uid: 0, gid: 0, groups: [] };
    const writer = new XdrWriter();
    writeCall(writer, { xid: 0x95787a15, program: 100005, version: 3, procedure: 1, credential, args });
    expect(Buffer.concat(writer.pieces)).toEqual(MOUNT_MNT);
  });
});

/** A call's header up to the credential. */
const HEAD = '00000007 00000000 00000002 00000064 00000001 00000002';
const NO_VERIFIER = '00000000 00000000';

function words(...numbers: readonly number[]): string {
  return numbers.map((number) => number.toString(16).padStart(8, '0')).join(' ');
}

function authSys(body: string): string {
  return `${words(1, body.replaceAll(/\s/g, '').length / 2)} ${body}`;
}

const groups = (count: number): string => words(count, ...Array.from({ length: count }, (_, i) => i));

describe('credentials', () => {
  const longName = `${words(255)} ${'61'.repeat(255)} 00`;

  it('AUTH_SYS holds 16 groups and a name of 255 bytes', () => {
    const full = readCall(
      fromHex(`${HEAD} ${authSys(`${words(9)} ${longName} ${words(1, 2)} ${groups(16)}`)} ${NO_VERIFIER}`),
    );
    expect(full).toMatchObject({ kind: 'call', credential: { uid: 1, gid: 2, machine: 'a'.repeat(255) } });
    expect(full.kind === 'call' && full.credential.flavor === 'sys' && full.credential.groups).toHaveLength(
      16,
    );
  });

  it.each<[string, string, AuthError]>([
    ['17 groups', `${authSys(`${words(0, 0, 1, 2)} ${groups(17)}`)} ${NO_VERIFIER}`, 'AUTH_BADCRED'],
    [
      'a name of 256 bytes',
      `${authSys(`${words(0, 256)} ${'61'.repeat(256)} ${words(1, 2, 0)}`)} ${NO_VERIFIER}`,
      'AUTH_BADCRED',
    ],
    ['more groups than bytes', `${authSys(words(0, 0, 1, 2, 16))} ${NO_VERIFIER}`, 'AUTH_BADCRED'],
    ['bytes after the groups', `${authSys(words(0, 0, 1, 2, 0, 0))} ${NO_VERIFIER}`, 'AUTH_BADCRED'],
    ['an empty AUTH_SYS', `${words(1, 0)} ${NO_VERIFIER}`, 'AUTH_BADCRED'],
    ['AUTH_NONE with a body', `${words(0, 4, 0)} ${NO_VERIFIER}`, 'AUTH_BADCRED'],
    ['a body of 401 bytes', `${words(0, 401)} ${'00'.repeat(404)} ${NO_VERIFIER}`, 'AUTH_BADCRED'],
    ['a body cut short', `${words(1, 400)} ${NO_VERIFIER}`, 'AUTH_BADCRED'],
    ['AUTH_SHORT', `${words(2, 4, 1)} ${NO_VERIFIER}`, 'AUTH_REJECTEDCRED'],
    ['AUTH_DH', `${words(3, 4, 1)} ${NO_VERIFIER}`, 'AUTH_REJECTEDCRED'],
    ['RPCSEC_GSS', `${words(6, 8, 1, 1)} ${NO_VERIFIER}`, 'AUTH_REJECTEDCRED'],
    ['a flavor nobody has', `${words(0xffffffff, 0)} ${NO_VERIFIER}`, 'AUTH_REJECTEDCRED'],
    ['a verifier of AUTH_SYS', `${words(0, 0)} ${words(1, 4, 0)}`, 'AUTH_BADVERF'],
    ['a verifier with a body', `${words(0, 0)} ${words(0, 4, 0)}`, 'AUTH_BADVERF'],
    ['a verifier cut short', `${words(0, 0)} ${words(0, 400)}`, 'AUTH_BADVERF'],
  ])('%s is refused', (_, rest, why) => {
    expect(readCall(fromHex(`${HEAD} ${rest}`))).toEqual({
      ...{ kind: 'refused', xid: 7, reply: { kind: 'authError', why } },
    });
  });

  it('a version of RPC other than 2 is refused', () => {
    const call = fromHex(`${words(7, 0, 3, 100, 1, 2, 0, 0)} ${NO_VERIFIER}`);
    expect(readCall(call)).toEqual({ kind: 'refused', xid: 7, reply: { kind: 'rpcMismatch' } });
  });

  it('a reply is no call', () => {
    expect(readCall(fromHex(`${words(7, 1, 0, 0, 0, 0, 0, 0)} ${NO_VERIFIER}`)).kind).toBe('unreadable');
  });
});

describe('replies', () => {
  const auth = (why: AuthError): [RpcReply, string, string] => [
    { kind: 'authError', why },
    words(7, 1, 1, 1, AUTH_STAT[why]),
    why,
  ];

  it.each<[RpcReply, string, string]>([
    [{ kind: 'programUnavailable' }, words(7, 1, 0, 0, 0, 1), 'PROG_UNAVAIL'],
    [{ kind: 'programMismatch', low: 2, high: 3 }, words(7, 1, 0, 0, 0, 2, 2, 3), 'PROG_MISMATCH'],
    [{ kind: 'procedureUnavailable' }, words(7, 1, 0, 0, 0, 3), 'PROC_UNAVAIL'],
    [{ kind: 'garbageArguments' }, words(7, 1, 0, 0, 0, 4), 'GARBAGE_ARGS'],
    [{ kind: 'systemError' }, words(7, 1, 0, 0, 0, 5), 'SYSTEM_ERR'],
    [{ kind: 'rpcMismatch' }, words(7, 1, 1, 0, 2, 2), 'RPC_MISMATCH'],
    auth('AUTH_BADCRED'),
    auth('AUTH_REJECTEDCRED'),
    auth('AUTH_BADVERF'),
    auth('AUTH_REJECTEDVERF'),
    auth('AUTH_TOOWEAK'),
    auth('AUTH_INVALIDRESP'),
    auth('AUTH_FAILED'),
  ])('%o', (reply, hex, refusal) => {
    const writer = new XdrWriter();
    writeReply(writer, 7, reply);
    const bytes = Buffer.concat(writer.pieces);
    expect(bytes).toEqual(fromHex(hex));
    expect(replyBytes(reply)).toBe(bytes.length);
    expect(readReply(bytes)).toEqual({ xid: 7, refusal });
  });

  it('with results', () => {
    const reply: RpcReply = { kind: 'success', results: new XdrWriter().uint32(5) };
    const writer = new XdrWriter();
    writeReply(writer, 2 ** 32 - 1, reply);
    const bytes = Buffer.concat(writer.pieces);
    expect(bytes).toEqual(fromHex(words(2 ** 32 - 1, 1, 0, 0, 0, 0, 5)));
    expect(replyBytes(reply)).toBe(bytes.length);
    const read = readReply(bytes);
    expect('results' in read && read.results.uint32()).toBe(5);
  });
});

describe('hostile calls', () => {
  it('cut short anywhere, are refused or unreadable', () => {
    const whole = MOUNT_MNT.subarray(0, 72);
    expect(readCall(whole).kind).toBe('call');
    for (let length = 0; length < whole.length; length += 1) {
      expect(readCall(whole.subarray(0, length)).kind).toBe(length < 40 ? 'unreadable' : 'refused');
    }
  });

  it('of any bytes, are read without an error', () => {
    const kinds = ['call', 'refused', 'unreadable'];
    const noise = fc.uint8Array({ maxLength: 500 });
    fc.assert(
      fc.property(noise, (bytes) => {
        expect(kinds).toContain(readCall(Buffer.from(bytes)).kind);
      }),
    );
    // With a right beginning, so that the credential is come to.
    fc.assert(
      fc.property(noise, fc.nat(7), fc.nat(500), (bytes, flavor, lengthBytes) => {
        const call = Buffer.concat([fromHex(`${HEAD} ${words(flavor, lengthBytes)}`), bytes]);
        expect(kinds).toContain(readCall(call).kind);
      }),
    );
  });
});
