import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type CommandResult, runCommand } from '../runner/command.ts';
import type { Server } from '../server/launch.ts';

const COMMAND_MS_MAX = 600_000;

export interface Rclone {
  /** Fails on any exit code but 0. */
  rclone(...words: readonly string[]): Promise<CommandResult>;
  /** Exit code 1 is an answer: `check` found differences, a path is not there. */
  ask(...words: readonly string[]): Promise<CommandResult>;
  /** An empty folder, each time another, with these files in it. */
  folder(files?: Readonly<Record<string, string>>): string;
  /** `facet:bucket`, made now. */
  bucket(): Promise<string>;
}

export function makeWorld(options: {
  readonly program: string;
  readonly server: Server;
  readonly scratch: string;
}): Rclone {
  const { program, server, scratch } = options;
  const { accessKeyId, secretAccessKey } = server.accounts.main;
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: scratch,
    RCLONE_CONFIG: '/dev/null',
    RCLONE_CONFIG_FACET_TYPE: 's3',
    RCLONE_CONFIG_FACET_PROVIDER: 'Other',
    RCLONE_CONFIG_FACET_ENDPOINT: server.url,
    RCLONE_CONFIG_FACET_ACCESS_KEY_ID: accessKeyId,
    RCLONE_CONFIG_FACET_SECRET_ACCESS_KEY: secretAccessKey,
    RCLONE_CONFIG_FACET_FORCE_PATH_STYLE: 'true',
    // A refusal should be seen, not tried again three times.
    RCLONE_RETRIES: '1',
    RCLONE_LOW_LEVEL_RETRIES: '1',
  };
  let made = 0;
  const run = (words: readonly string[], allowed: readonly number[]) =>
    runCommand(program, words, { env, timeoutMs: COMMAND_MS_MAX, allowed });
  return {
    rclone: (...words) => run(words, []),
    ask: (...words) => run(words, [1, 3, 4]),
    folder: (files = {}) => {
      made += 1;
      const folder = join(scratch, `rclone-${made}`);
      mkdirSync(folder);
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), text);
      }
      return folder;
    },
    bucket: async () => {
      made += 1;
      const remote = `facet:rclone-${made}`;
      await run(['mkdir', remote], []);
      return remote;
    },
  };
}
