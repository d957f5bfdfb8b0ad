/** `facet serve`: runs until SIGTERM, SIGINT or SIGHUP, then lets the requests in flight finish. */

import { type Command, Option } from 'commander';
import pino from 'pino';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import { ignoreClosedOutput, processOutput } from '../output.ts';
import { describeServing, formatBanner } from '../serve/banner.ts';
import { stopWithNpxShell } from '../serve/npxShell.ts';
import { ignoreUserSignals, listenForStopSignals } from '../serve/signals.ts';
import { type FlagValues, resolveServeSettings, SETTINGS } from '../settings/settings.ts';
import { VERSION } from '../version.ts';

const STDERR = 2;
const GRACE_MS = 30_000;

export function addServeCommand(program: Command, finish: (code: ExitCode) => void): void {
  const command = program
    .command('serve')
    .description('serve a data directory until told to stop (SIGTERM, SIGINT, SIGHUP)')
    .option('--config <FILE>', 'read settings from this JSON file (FACET_CONFIG)')
    .option('--json', 'print what listens where as one JSON line');
  for (const row of Object.values(SETTINGS)) {
    const shownDefault = 'default' in row ? `default ${row.default}; ` : '';
    command.addOption(
      new Option(`${row.flag} <${row.argument}>`, `${row.help} (${shownDefault}${row.variable})`),
    );
  }
  command.addHelpText(
    'after',
    [
      '',
      'A flag wins over its environment variable, which wins over the file. In the file, settings are named as',
      `  ${Object.keys(SETTINGS).join(', ')}`,
      'FACET_ROOT_ACCESS_KEY and FACET_ROOT_SECRET_KEY name the root access key; without them one is made.',
    ].join('\n'),
  );
  command.action(async (options: FlagValues & { readonly json?: boolean }) => {
    finish(await serve(options));
  });
}

async function serve(options: FlagValues & { readonly json?: boolean }): Promise<ExitCode> {
  const settings = resolveServeSettings({ flags: options, environment: process.env });
  const logger = pino({ level: settings.logLevel, base: { pid: process.pid } }, logDestination());
  const output = processOutput(options.json === true);
  const signals = listenForStopSignals();
  ignoreUserSignals((signal) => logger.warn({ signal }, 'this signal means nothing here'));
  stopWithNpxShell();
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'a bug: the process ends');
    process.exit(EXIT.failed);
  });

  // Loaded only now: a wrong flag and --help have their answer before the doors and the core would be there.
  const { startServer } = await import('../serve/server.ts');
  // Node tells of a signal between turns of its event loop.
  await new Promise(setImmediate);
  if (signals.wasReceived()) {
    logger.info('stopped before it served');
    return EXIT.ok;
  }
  const server = await startServer({
    settings,
    environment: process.env,
    logger,
    graceMs: GRACE_MS,
  });
  // What goes elsewhere than to a terminal is kept, as a service's log is, and read by others than the key's owner.
  const secret = process.stdout.isTTY;
  output.result({ result: describeServing(server.facts), text: formatBanner(server.facts, { secret }) });
  if (output.json || secret) server.rootKeyShown();
  logger.info({ version: VERSION, data: settings.data }, 'serving');

  const reason = await Promise.race([signals.received, server.failed]);
  if (reason instanceof Error) {
    // What the disk holds is no longer known: only a fresh start, with its recovery, can tell.
    logger.fatal({ err: reason }, 'the store failed: the process ends');
    process.exit(EXIT.failed);
  }
  logger.info({ signal: reason }, 'stopping: requests in flight are finished first');
  void signals.repeated.then((signal) => {
    const fields = { signal, requests: server.requestsUnderWay(), graceSeconds: GRACE_MS / 1000 };
    logger.warn(fields, 'still finishing requests, until the grace from the first signal is over');
  });
  await server.stop();
  logger.info('stopped');
  return EXIT.ok;
}

/** A reader that went away, or a terminal that was closed, ends the log and not the server. */
function logDestination() {
  const destination = pino.destination({ fd: STDERR, sync: true });
  destination.on('error', ignoreClosedOutput);
  return destination;
}
