/**
 * NLM version 4: each procedure reads its arguments, asks the lock manager, and writes what it said.
 *
 * The _MSG procedures are answered twice: their results go as a call of the matching _RES procedure to the caller's own lock
 * manager. The call itself gets an empty reply, which the protocol does not have: who waits for none drops it, and who waits
 * for one would send the message again and again.
 *
 * @source RFC 1813 §6; XNFS chapters 10 and 14
 */
import type { Procedure, Program, RpcCall } from '../rpc/program.ts';
import { XdrWriter } from '../xdr/writer.ts';
import type { LockManager } from './lockManager.ts';
import type { CallPeer } from './peerCalls.ts';
import {
  NLM_PROCEDURE,
  NLM_PROGRAM,
  NLM_VERSION,
  readCancelArgs,
  readLockArgs,
  readNotice,
  readResult,
  readShareArgs,
  readTestArgs,
  readUnlockArgs,
  writeResult,
  writeShareResult,
  writeTestResult,
} from './wire.ts';

export interface NlmParts {
  readonly manager: LockManager;
  readonly callPeer: CallPeer;
  /** Whether a call may be made at all, by its credential and peer. */
  readonly allows?: Program['allows'];
}

export function createNlmProgram({ manager, callPeer, allows }: NlmParts): Program {
  const test: Procedure = async (reader, call) => {
    const args = readTestArgs(reader);
    return writeTestResult(args.cookie, await manager.test(args, call));
  };
  const lock =
    (style: Parameters<LockManager['lock']>[2]): Procedure =>
    async (reader, call) => {
      const args = readLockArgs(reader);
      return writeResult(args.cookie, await manager.lock(args, call, style));
    };
  const cancel: Procedure = async (reader, call) => {
    const args = readCancelArgs(reader);
    return writeResult(args.cookie, await manager.cancel(args, call));
  };
  const unlock: Procedure = async (reader, call) => {
    const args = readUnlockArgs(reader);
    return writeResult(args.cookie, await manager.unlock(args, call));
  };
  // This side waits for no lock.
  const granted: Procedure = async (reader) => writeResult(readTestArgs(reader).cookie, 'DENIED');

  const sendResults = ({ peer }: RpcCall, procedure: number, args: XdrWriter): void => {
    const call = { address: peer.address, program: NLM_PROGRAM, version: NLM_VERSION, procedure, args };
    // Lost answers are the caller's to ask for again.
    void callPeer({ ...call, withoutReply: true });
  };
  const byMessage =
    (procedure: Procedure, resultProcedure: number): Procedure =>
    async (reader, call) => {
      const results = await procedure(reader, call);
      if (results !== undefined) sendResults(call, resultProcedure, results);
      return new XdrWriter();
    };
  // No message goes out from here that is answered by one, save for grants.
  const unexpected: Procedure = async () => new XdrWriter();

  const procedures = new Map<number, Procedure>([
    [NLM_PROCEDURE.TEST, test],
    [NLM_PROCEDURE.LOCK, lock({ monitored: true, byMessage: false })],
    [NLM_PROCEDURE.CANCEL, cancel],
    [NLM_PROCEDURE.UNLOCK, unlock],
    [NLM_PROCEDURE.GRANTED, granted],
    [NLM_PROCEDURE.TEST_MSG, byMessage(test, NLM_PROCEDURE.TEST_RES)],
    [NLM_PROCEDURE.LOCK_MSG, byMessage(lock({ monitored: true, byMessage: true }), NLM_PROCEDURE.LOCK_RES)],
    [NLM_PROCEDURE.CANCEL_MSG, byMessage(cancel, NLM_PROCEDURE.CANCEL_RES)],
    [NLM_PROCEDURE.UNLOCK_MSG, byMessage(unlock, NLM_PROCEDURE.UNLOCK_RES)],
    [NLM_PROCEDURE.GRANTED_MSG, byMessage(granted, NLM_PROCEDURE.GRANTED_RES)],
    [NLM_PROCEDURE.TEST_RES, unexpected],
    [NLM_PROCEDURE.LOCK_RES, unexpected],
    [NLM_PROCEDURE.CANCEL_RES, unexpected],
    [NLM_PROCEDURE.UNLOCK_RES, unexpected],
    [
      NLM_PROCEDURE.GRANTED_RES,
      async (reader, call) => {
        manager.grantAnswered({ ...readResult(reader), address: call.peer.address });
        return new XdrWriter();
      },
    ],
    [
      NLM_PROCEDURE.SHARE,
      async (reader, call) => {
        const args = readShareArgs(reader);
        return writeShareResult(args.cookie, await manager.share(args, call));
      },
    ],
    [
      NLM_PROCEDURE.UNSHARE,
      async (reader, call) => {
        const args = readShareArgs(reader);
        return writeShareResult(args.cookie, await manager.unshare(args, call));
      },
    ],
    [NLM_PROCEDURE.NM_LOCK, lock({ monitored: false, byMessage: false })],
    [
      NLM_PROCEDURE.FREE_ALL,
      async (reader, call) => {
        await manager.freeAll(readNotice(reader), call);
        return new XdrWriter();
      },
    ],
  ]);
  return { program: NLM_PROGRAM, version: NLM_VERSION, procedures, ...(allows && { allows }) };
}
