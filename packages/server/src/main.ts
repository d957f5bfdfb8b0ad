import './threads.ts';
import './crashSignals.ts';
import { runCommandLine } from './commandLine.ts';

// Whatever this command makes holds secrets or somebody's data: it is its owner's alone.
process.umask(0o077);

// Not just an exit code: a connection that outlived its grace would keep the process.
process.exit(await runCommandLine(process.argv.slice(2)));
