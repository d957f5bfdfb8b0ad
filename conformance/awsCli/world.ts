/** aws-cli as a user has it after `pip install`, with nothing configured but the key. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CommandFailed, type CommandOptions, type CommandResult, runCommand } from '../runner/command.ts';
import type { Server } from '../server/launch.ts';

const COMMAND_MS_MAX = 600_000;

export interface AwsCli {
  readonly server: Server;
  /** An empty folder, each time another. */
  folder(): string;
  /** A bucket, made now. */
  bucket(): Promise<string>;
  aws(words: readonly string[], options?: Partial<CommandOptions>): Promise<CommandResult>;
  /** `aws s3api …`, its output parsed; undefined when it printed none. */
  s3api<T>(...words: readonly string[]): Promise<T>;
  /** What aws-cli says when the server refuses, e.g. `An error occurred (NoSuchKey) …`. */
  refused(...words: readonly string[]): Promise<string>;
}

export function makeWorld(options: {
  readonly program: string;
  readonly server: Server;
  readonly scratch: string;
}): AwsCli {
  const { program, server, scratch } = options;
  const { accessKeyId, secretAccessKey } = server.accounts.main;
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: scratch,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CA_BUNDLE: server.certificateFile,
  };
  let made = 0;
  const aws: AwsCli['aws'] = (words, more) =>
    runCommand(program, ['--endpoint-url', server.url, ...words], {
      env,
      timeoutMs: COMMAND_MS_MAX,
      ...more,
    });
  return {
    server,
    aws,
    folder: () => {
      made += 1;
      const folder = join(scratch, `aws-cli-${made}`);
      mkdirSync(folder);
      return folder;
    },
    bucket: async () => {
      made += 1;
      const name = `aws-cli-${server.endpoint.port}-${made}`;
      await aws(['s3', 'mb', `s3://${name}`]);
      return name;
    },
    s3api: async (...words) => {
      const { stdout } = await aws(['s3api', ...words, '--output', 'json']);
      return stdout.trim() === '' ? undefined : JSON.parse(stdout);
    },
    refused: async (...words) => {
      try {
        await aws(words);
      } catch (error) {
        if (error instanceof CommandFailed) return error.message;
        throw error;
      }
      throw new Error(`aws ${words.join(' ')} succeeded`);
    },
  };
}
