export { isBucketName } from './buckets/name.ts';
export { createS3Gateway, type S3Gateway, type S3GatewayOptions } from './gateway.ts';
export { AcceptedConnections } from './http/accepted.ts';
export type { TlsOptions } from './http/server.ts';
export type { Logger } from './log.ts';
export type { RequestOutcome } from './requestRecord.ts';
