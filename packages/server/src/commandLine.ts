/** `facet …`: from words to a command, from whatever happened to an exit code. */

import { Command, CommanderError } from 'commander';
import { addAccountCommands } from './commands/account.ts';
import { addBackupCommand } from './commands/backup.ts';
import { addCompactCommand } from './commands/compact.ts';
import { addExportCommands } from './commands/export.ts';
import { addFsckCommand } from './commands/fsck.ts';
import { addKeyCommands } from './commands/key.ts';
import { addRestoreCommand } from './commands/restore.ts';
import { addScrubCommand } from './commands/scrub.ts';
import { addServeCommand } from './commands/serve.ts';
import { addVolumeCommands } from './commands/volume.ts';
import { EXIT, EXIT_CODE_MEANINGS, type ExitCode } from './exitCodes.ts';
import { toCommandFailure, usageFailure } from './failure.ts';
import { lostOutput, processOutput } from './output.ts';
import { VERSION } from './version.ts';

/** Runs one command line (without node's own two words) to its end. Never throws. */
export async function runCommandLine(words: readonly string[]): Promise<ExitCode> {
  // The words may be what is wrong, so this much is read before they are understood.
  const output = processOutput(words.includes('--json'));
  let exitCode: ExitCode = EXIT.ok;
  const program = new Command('facet')
    .description('One copy of data behind many interfaces: S3 and NFS now, CSI to come.')
    .version(VERSION)
    .addHelpText('after', `\n${exitCodeTable()}`)
    .configureOutput({
      // Errors are told once, by the handler below; the help that a lone group prints would spoil JSON.
      outputError: () => undefined,
      ...(output.json ? { writeErr: () => undefined } : {}),
    })
    .exitOverride();
  const finish = (code: ExitCode) => {
    exitCode = code;
  };
  addServeCommand(program, finish);
  addVolumeCommands(program);
  addExportCommands(program);
  addKeyCommands(program);
  addAccountCommands(program);
  addFsckCommand(program, finish);
  addScrubCommand(program, finish);
  addCompactCommand(program, finish);
  addBackupCommand(program, finish);
  addRestoreCommand(program, finish);
  try {
    await program.parseAsync(helpAsFlag(program, words), { from: 'user' });
    const lost = await lostOutput();
    if (lost && exitCode === EXIT.ok)
      throw new Error(`what there was to tell could not be written: ${lost.message}`);
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
    const failure = error instanceof CommanderError ? usageFailure(explain(error)) : toCommandFailure(error);
    output.failure(failure);
    return failure.exitCode;
  }
}

/**
 * `help volume set` as `volume set --help`: commander's own knows one word only.
 * @throws CommandFailure Usage, of what is no command: the flag looks at none of the words before it
 */
function helpAsFlag(program: Command, words: readonly string[]): readonly string[] {
  const [first, ...asked] = words;
  const names = asked.filter((word) => !word.startsWith('-') && word !== 'help');
  if (first !== 'help' || asked.length === 0) return words;
  let command = program;
  for (const name of names) {
    const found = command.commands.find((one) => one.name() === name);
    if (found === undefined)
      throw usageFailure(`unknown command '${names.join(' ')}' (--help shows the usage)`);
    command = found;
  }
  return [...names, '--help'];
}

function explain(error: CommanderError): string {
  // A group without its command ("facet volume") printed its help already, on stderr.
  if (error.code === 'commander.help') return 'a command is missing';
  // A guess at what was meant comes on a line of its own.
  const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  return `${message} (--help shows the usage)`;
}

function exitCodeTable(): string {
  const rows = Object.entries(EXIT_CODE_MEANINGS).map(([code, meaning]) => `  ${code}  ${meaning}`);
  return ['Exit codes:', ...rows].join('\n');
}
