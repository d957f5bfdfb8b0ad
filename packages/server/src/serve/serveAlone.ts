import { startServer } from './server.ts';
import type { Server, ServerParts } from './serverContract.ts';

/** One process that serves everything. @throws CommandFailure */
export async function serveAlone(parts: ServerParts): Promise<Server> {
  const server = await startServer({ ...parts, environment: process.env });
  const { s3 } = server;
  if (s3 === undefined) throw new Error('it serves S3');
  return {
    facts: { ...server.facts, s3, pid: process.pid },
    failed: server.failed,
    requestsUnderWay: async () => server.requestsUnderWay(),
    stop: () => server.stop(),
  };
}
