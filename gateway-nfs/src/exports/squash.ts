/** As whom a call acts: what it says it is, less what the export takes away. */
import type { Caller, ExportPolicy } from '@facet/core';
import type { Credential } from '../rpc/credentials.ts';

const ROOT = 0;

/** Who gives no ids is anonymous. Of root's ids none passes a squash: neither user nor groups. */
export function callerOf(policy: ExportPolicy, credential: Credential): Caller {
  const anonymous: Caller = { uid: policy.anonymousUid, gid: policy.anonymousGid, groups: [] };
  if (credential.flavor === 'none') return anonymous;
  const { uid, gid, groups } = credential;
  switch (policy.squash) {
    case 'none':
      return { uid, gid, groups };
    case 'all':
      return anonymous;
    case 'root': {
      const groupOf = (group: number): number => (group === ROOT ? policy.anonymousGid : group);
      return {
        uid: uid === ROOT ? policy.anonymousUid : uid,
        gid: groupOf(gid),
        groups: groups.map(groupOf),
      };
    }
  }
}
