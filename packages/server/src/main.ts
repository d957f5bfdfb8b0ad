import { runCommandLine } from './commandLine.ts';

// Not just an exit code: a connection that outlived its grace would keep the process.
process.exit(await runCommandLine(process.argv.slice(2)));
