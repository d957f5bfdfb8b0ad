/**
 * NSM version 1: hears of hosts that have restarted. It monitors for this server's own lock manager alone, so requests
 * of others to monitor are turned down.
 *
 * @source XNFS chapter 11
 */
import type { Procedure, Program } from '../rpc/program.ts';
import { XdrWriter } from '../xdr/writer.ts';
import type { LockManager } from './lockManager.ts';
import { NSM_PROCEDURE, NSM_PROGRAM, NSM_VERSION, readNotice, skipMonArgs } from './wire.ts';

export interface NsmParts {
  readonly manager: LockManager;
  /** This server's state number: odd while it is up. */
  readonly state: number;
  readonly allows?: Program['allows'];
}

const STAT_FAIL = 1;

export function createNsmProgram({ manager, state, allows }: NsmParts): Program {
  const turnDown =
    (name: 'STAT' | 'MON'): Procedure =>
    async (reader) => {
      skipMonArgs(reader, name);
      return new XdrWriter().uint32(STAT_FAIL).int32(state);
    };
  const tellState =
    (name: 'UNMON' | 'UNMON_ALL'): Procedure =>
    async (reader) => {
      skipMonArgs(reader, name);
      return new XdrWriter().int32(state);
    };
  const procedures = new Map<number, Procedure>([
    [NSM_PROCEDURE.STAT, turnDown('STAT')],
    [NSM_PROCEDURE.MON, turnDown('MON')],
    [NSM_PROCEDURE.UNMON, tellState('UNMON')],
    [NSM_PROCEDURE.UNMON_ALL, tellState('UNMON_ALL')],
    // Whoever sends it wants a crash to be simulated. Locks are real here.
    [NSM_PROCEDURE.SIMU_CRASH, async () => new XdrWriter()],
    [
      NSM_PROCEDURE.NOTIFY,
      async (reader, call) => {
        await manager.freeAll(readNotice(reader), call);
        return new XdrWriter();
      },
    ],
  ]);
  return { program: NSM_PROGRAM, version: NSM_VERSION, procedures, ...(allows && { allows }) };
}
