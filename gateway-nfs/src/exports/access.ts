/** What an export lets a call do. */
import type { Caller, ExportPolicy } from '@facet/core';
import type { RpcCall } from '../rpc/program.ts';
import { admits } from './admission.ts';
import { callerOf } from './squash.ts';

export interface Access {
  readonly caller: Caller;
  readonly readOnly: boolean;
}

/** Undefined: nothing, from where it came. */
export function accessOf(
  policy: ExportPolicy,
  { peer, credential }: Pick<RpcCall, 'peer' | 'credential'>,
): Access | undefined {
  if (!admits(policy, peer)) return undefined;
  return { caller: callerOf(policy, credential), readOnly: policy.readOnly };
}
