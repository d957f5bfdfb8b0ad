/** What a check that failed on Facet means. */
import type { Verdict } from '../runner/suite.ts';

export interface Failure {
  /** The program and its check: `pjdfstest unlink/14 #4`. */
  readonly check: string;
  /** What it said on Facet. */
  readonly said: string;
  /** Whether it failed on the peer; undefined where it was not run there. */
  readonly onPeer: boolean | undefined;
}

/**
 * It counts against Facet unless the peer fails too, or `known` says why no server of NFSv3 can help it.
 * @param known checks → why
 */
export function judgeFailure({ check, said, onPeer }: Failure, known: ReadonlyMap<string, string>): Verdict {
  const why = known.get(check);
  const peer =
    onPeer === undefined ? 'not run on NFS-Ganesha' : `NFS-Ganesha ${onPeer ? 'fails it too' : 'passes it'}`;
  if (why !== undefined)
    return { kind: 'skipped', reason: `${said}\n${peer}. No server of NFSv3 can help it: ${why}` };
  if (onPeer === true) return { kind: 'skipped', reason: `${said}\n${peer}` };
  return { kind: 'failed', reason: `${said}\n${peer}` };
}
