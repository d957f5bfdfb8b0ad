import pino, { type Logger } from 'pino';
import { ignoreClosedOutput } from '../output.ts';

const STDERR = 2;

/** All processes of a server log to one stream, a line at a time, each by its name. */
export function serverLogger({ level, name }: { readonly level: string; readonly name?: string }): Logger {
  const destination = pino.destination({ fd: STDERR, sync: true });
  // A reader that went away, or a terminal that was closed, ends the log and not the server.
  destination.on('error', ignoreClosedOutput);
  return pino(
    { level, base: { pid: process.pid, ...(name !== undefined && { process: name }) } },
    destination,
  );
}
