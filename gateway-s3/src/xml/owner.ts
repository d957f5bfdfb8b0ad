import type { Account } from '@facet/core';
import { element, leaf, type Xml } from './write.ts';

/** An account as S3 shows it: `Owner`, `Initiator`, `Grantee`. */
export function ownerElement(name: string, { canonicalId, displayName }: Account): Xml {
  return element(name, leaf('ID', canonicalId), leaf('DisplayName', displayName));
}
