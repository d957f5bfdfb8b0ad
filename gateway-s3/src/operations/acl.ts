/**
 * Access control lists, as far as they say what is: the owner has full control, and nobody else has any. Asking for
 * just that succeeds; asking for anything else is not implemented (canned ACLs in headers: `refusals.ts`).
 */
import type { Account } from '@facet/core';
import type { Payload } from '../auth/payload.ts';
import type { HeaderMap } from '../auth/request.ts';
import { readWholeBody } from '../body/intake.ts';
import { S3Error } from '../errors.ts';
import { emptyReply, type Reply, xmlReply } from '../http/reply.ts';
import { requireNullVersion } from '../objects/versionId.ts';
import { type Call, operation } from '../operation.ts';
import type { S3Request } from '../request.ts';
import { ownerElement } from '../xml/owner.ts';
import { childOf, readXml, textChild, type XmlElement } from '../xml/read.ts';
import { element, leaf, xmlDocument } from '../xml/write.ts';

const ACL_BYTES_MAX = 64 << 10;

/** @source S3 API Reference, GetBucketAcl */
export const getBucketAcl = operation({
  level: 'bucket',
  name: 'GetBucketAcl',
  input: () => undefined,
  run: async ({ caller }) => aclReply(caller),
});

/** @source S3 API Reference, PutBucketAcl */
export const putBucketAcl = operation({
  level: 'bucket',
  name: 'PutBucketAcl',
  input: ({ headers, payload }) => ({ headers, payload }),
  run: acceptPrivate,
});

/** @source S3 API Reference, GetObjectAcl */
export const getObjectAcl = operation({
  level: 'object',
  name: 'GetObjectAcl',
  input: requireNullVersion,
  run: async ({ core, bucket, key, caller }) => {
    await core.objects.head({ volume: bucket.id, key });
    return aclReply(caller);
  },
});

/** @source S3 API Reference, PutObjectAcl */
export const putObjectAcl = operation({
  level: 'object',
  name: 'PutObjectAcl',
  input: (request: S3Request) => {
    requireNullVersion(request);
    return { headers: request.headers, payload: request.payload };
  },
  run: async (call, input) => {
    await call.core.objects.head({ volume: call.bucket.id, key: call.key });
    return acceptPrivate(call, input);
  },
});

const XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';

function aclReply(owner: Account): Reply {
  // The grantee's kind is an attribute: the only one that S3 writes.
  const grantee = ownerElement('Grantee', owner).replace(
    '<Grantee>',
    `<Grantee ${XSI} xsi:type="CanonicalUser">`,
  );
  return xmlReply(
    xmlDocument(
      'AccessControlPolicy',
      ownerElement('Owner', owner),
      element('AccessControlList', element('Grant', grantee, leaf('Permission', 'FULL_CONTROL'))),
    ),
  );
}

/** @throws S3Error NotImplemented | MissingSecurityHeader | MalformedXML */
async function acceptPrivate(
  call: Call,
  { headers, payload }: { readonly headers: HeaderMap; readonly payload: Payload },
): Promise<Reply> {
  const bytes = await readWholeBody({ headers, payload, lengthBytesMax: ACL_BYTES_MAX }, call.body);
  if (bytes.length > 0) {
    if (!isPrivate(readXml(bytes, 'AccessControlPolicy'), call.caller)) {
      throw new S3Error(
        'NotImplemented',
        'Access is granted to the owner only: other grants are not implemented.',
      );
    }
  } else if (!headers.has('x-amz-acl')) {
    throw new S3Error('MissingSecurityHeader', undefined, { fields: { MissingHeaderName: 'x-amz-acl' } });
  }
  return emptyReply();
}

function isPrivate(policy: XmlElement, owner: Account): boolean {
  const grants = childOf(policy, 'AccessControlList')?.children ?? [];
  return (
    grants.length > 0 &&
    grants.every((grant) => {
      const grantee = childOf(grant, 'Grantee');
      return (
        grantee !== undefined &&
        textChild(grantee, 'ID') === owner.canonicalId &&
        textChild(grant, 'Permission') === 'FULL_CONTROL'
      );
    })
  );
}
