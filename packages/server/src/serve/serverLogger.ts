import pino, { type Logger } from 'pino';

const STDERR = 2;
/** Lines that could not be written are kept for when they can be; what is more is left out. */
const UNWRITTEN_BYTES_MAX = 1 << 20;

/** All processes of a server log to one stream, a line at a time, each by its name. */
export function serverLogger({ level, name }: { readonly level: string; readonly name?: string }): Logger {
  const destination = pino.destination({ fd: STDERR, sync: true, maxLength: UNWRITTEN_BYTES_MAX });
  // A reader that went away, a terminal that was closed or a full disk ends the log and not the server.
  destination.on('error', () => undefined);
  return pino(
    { level, base: { pid: process.pid, ...(name !== undefined && { process: name }) } },
    destination,
  );
}
