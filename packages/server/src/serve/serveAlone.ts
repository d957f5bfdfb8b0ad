import { startServer } from './server.ts';
import type { Server, ServerParts } from './serverContract.ts';
import { readTlsFiles } from './tls.ts';

/** One process that serves everything. @throws CommandFailure */
export async function serveAlone(parts: ServerParts): Promise<Server> {
  const server = await startServer({ ...parts, environment: process.env });
  const { s3 } = server;
  const { tls } = parts.settings;
  if (s3 === undefined) throw new Error('it serves S3');
  let hasFailed = false;
  const failed = server.failed.then((error) => {
    hasFailed = true;
    return error;
  });
  return {
    facts: { ...server.facts, s3, pid: process.pid },
    failed,
    renewal: {
      begins: tls ? 'certificate and key are read again' : 'there is no certificate to read again',
      done: tls ? 'the certificate that was read serves new connections' : 'all goes on as it was',
      failed: 'the certificate could not be read again: the old one serves on',
      begin: async () => {
        if (tls) server.renewTls(readTlsFiles(tls));
      },
    },
    requestsUnderWay: async () => server.requestsUnderWay(),
    // What failed is let be: to close it would write.
    stop: async () => (hasFailed ? undefined : server.stop()),
  };
}
