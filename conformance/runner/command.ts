/** Runs a client program to its end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string | Buffer | Readable;
  readonly timeoutMs: number;
  /** Exit codes other than 0 that are an answer too, not a failure. */
  readonly allowed?: readonly number[];
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as it came. */
  readonly bytes: Buffer;
}

export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}

const TOLD_CHARACTERS_MAX = 2_000;

/** @throws CommandFailed when it cannot be started, is too slow, or ends with a code that is not allowed */
export async function runCommand(
  program: string,
  words: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const child = spawn(program, words, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: options.timeoutMs,
    killSignal: 'SIGKILL',
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const fed = feed(options.input, child.stdin);
  const told = `${program.split('/').at(-1)} ${words.join(' ')}`;
  let code: number | null;
  try {
    [code] = await once(child, 'close');
  } catch (cause) {
    throw new CommandFailed(`${told}: cannot be started: ${(cause as Error).message}`, { cause });
  }
  await fed;
  const bytes = Buffer.concat(out);
  const result = { stdout: bytes.toString('utf8'), stderr: Buffer.concat(err).toString('utf8'), bytes };
  if (code === null) throw new CommandFailed(`${told}: not done after ${options.timeoutMs / 1000} s`);
  if (code !== 0 && !options.allowed?.includes(code)) {
    const last = `${result.stdout}${result.stderr}`.trim().slice(-TOLD_CHARACTERS_MAX);
    throw new CommandFailed(`${told}: exit code ${code}: ${last}`);
  }
  return { code, ...result };
}

/** A program that ends without reading all of its input is judged by its exit code, not by the broken pipe. */
async function feed(input: CommandOptions['input'], stdin: NodeJS.WritableStream): Promise<void> {
  stdin.on('error', () => undefined);
  if (input === undefined || typeof input === 'string' || Buffer.isBuffer(input)) {
    stdin.end(input ?? '');
    return;
  }
  await pipeline(input, stdin).catch(() => undefined);
}
