/** `facet serve`: runs until SIGTERM or SIGINT, then lets the requests in flight finish. */

import { type Command, Option } from 'commander';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { lostOutput, processOutput } from '../output.ts';
import { describeServing, formatBanner } from '../serve/banner.ts';
import { stopWithNpxShell } from '../serve/npxShell.ts';
import { rememberShown } from '../serve/rootCredentials.ts';
import type { Server, ServerParts } from '../serve/serverContract.ts';
import { ignoreUserSignals, listenForStopSignals } from '../serve/signals.ts';
import { readTlsFiles } from '../serve/tls.ts';
import { type FlagValues, resolveServeSettings, SETTINGS, type ServeSettings } from '../settings/settings.ts';
import { storeLayout } from '../store/layout.ts';
import { VERSION } from '../version.ts';

const GRACE_MS = 30_000;

export function addServeCommand(program: Command, finish: (code: ExitCode) => void): void {
  const command = program
    .command('serve')
    .description('serve a data directory until told to stop (SIGTERM, SIGINT); SIGHUP renews the certificate')
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
  const output = processOutput(options.json === true);
  const signals = listenForStopSignals();
  // As is whatever else only a server needs, this is loaded when there is to be one: other commands come by here too.
  const { serverLogger } = await import('../serve/serverLogger.ts');
  const logger = serverLogger({ level: settings.logLevel });
  ignoreUserSignals((signal) => logger.warn({ signal }, 'this signal means nothing here'));
  stopWithNpxShell();
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'a bug: the process ends');
    process.exit(EXIT.failed);
  });
  if (settings.tls) readTlsFiles(settings.tls);

  // Loaded only now: a wrong flag and --help have their answer before the doors and the core would be there.
  const start = await loadServer(settings);
  // Node tells of a signal between turns of its event loop.
  await new Promise(setImmediate);
  if (signals.wasReceived()) {
    logger.info('stopped before it served');
    return EXIT.ok;
  }
  const server = await start({ settings, logger, graceMs: GRACE_MS });
  signals.onHangup(async () => {
    const { renewal } = server;
    logger.info(`SIGHUP: ${renewal.begins}`);
    try {
      await renewal.begin();
      logger.info(renewal.done);
    } catch (error) {
      logger.error({ err: error }, renewal.failed);
    }
  });
  // What goes elsewhere than to a terminal is kept, as a service's log is, and read by others than the key's owner.
  const secret = process.stdout.isTTY;
  output.result({ result: describeServing(server.facts), text: formatBanner(server.facts, { secret }) });
  const lost = await lostOutput();
  if (lost) logger.warn({ err: lost }, 'what listens where could not be told');
  if (!lost && (output.json || secret)) {
    rememberShown(storeLayout(settings.data).rootCredentials, server.facts.credentials, logger);
  }
  logger.info({ version: VERSION, data: settings.data }, 'serving');

  const reason = await Promise.race([signals.received, server.failed]);
  if (reason instanceof CommandFailure) {
    logger.fatal({ err: reason }, 'the store is damaged: the server ends');
    await server.stop();
    return reason.exitCode;
  }
  if (reason instanceof Error) {
    // What the disk holds is no longer known: only a fresh start, with its recovery, can tell.
    logger.fatal({ err: reason }, 'the store failed: the process ends');
    process.exit(EXIT.failed);
  }
  logger.info({ signal: reason }, 'stopping: requests in flight are finished first');
  void signals.repeated.then(async (signal) => {
    const fields = { signal, requests: await server.requestsUnderWay(), graceSeconds: GRACE_MS / 1000 };
    logger.warn(fields, 'still finishing requests, until the grace from the first signal is over');
  });
  await server.stop();
  logger.info('stopped');
  return EXIT.ok;
}

async function loadServer(settings: ServeSettings): Promise<(parts: ServerParts) => Promise<Server>> {
  if (settings.workers > 0) return (await import('../serve/family/serveFamily.ts')).serveFamily;
  return (await import('../serve/serveAlone.ts')).serveAlone;
}
