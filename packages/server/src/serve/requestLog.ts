/** The access log: a line for each S3 request, among the others on stderr and told apart by its message. */

import type { S3GatewayOptions } from '@facet/gateway-s3';
import type { Logger } from 'pino';

/** Whatever level the rest of the log has: who asks for a line a request gets it. */
export function requestLog(logger: Logger): NonNullable<S3GatewayOptions['onRequest']> {
  const log = logger.child({}, { level: 'info' });
  return (record) => log.info(record, 'request');
}
