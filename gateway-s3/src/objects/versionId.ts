/** Version ids on a bucket without versioning: every object is the one version `null`. */
import { S3Error } from '../errors.ts';
import type { S3Request } from '../request.ts';

const NULL_VERSION = 'null';
/** What S3's own version ids look like: others are refused as no ids at all. */
const VERSION_ID = /^[A-Za-z0-9._-]{1,1024}$/;

/** @throws S3Error NoSuchVersion | InvalidArgument */
export function requireNullVersion({ query }: S3Request): void {
  const id = query.get('versionId');
  if (id !== undefined) checkVersionId(id);
}

/** @throws S3Error NoSuchVersion | InvalidArgument */
export function checkVersionId(id: string): void {
  if (id === NULL_VERSION) return;
  if (VERSION_ID.test(id)) throw new S3Error('NoSuchVersion', undefined, { fields: { VersionId: id } });
  throw new S3Error('InvalidArgument', 'Invalid version id specified', {
    fields: { ArgumentName: 'versionId', ArgumentValue: id },
  });
}
