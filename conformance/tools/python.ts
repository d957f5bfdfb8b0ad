/** The Python clients, installed from PyPI into a virtual environment of their own: aws-cli, boto3, s3cmd. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandFailed, runCommand } from '../runner/command.ts';
import { Skip, type Stage } from '../runner/suite.ts';

const REQUIREMENTS = fileURLToPath(new URL('requirements.txt', import.meta.url));
const MINUTES_10_MS = 600_000;

export interface Python {
  /** The path of a program that the environment holds. */
  program(name: string): string;
}

/** Once a list of requirements: another list gets another folder. @throws Skip when it cannot be installed */
export async function installPython(stage: Stage): Promise<Python> {
  const list = readFileSync(REQUIREMENTS);
  const folder = join(stage.cache, `python-${createHash('sha256').update(list).digest('hex').slice(0, 12)}`);
  const done = join(folder, 'installed');
  if (!existsSync(done)) {
    stage.tell(`installing the Python clients into ${folder}`);
    rmSync(folder, { recursive: true, force: true });
    try {
      await runCommand('python3', ['-m', 'venv', folder], { timeoutMs: MINUTES_10_MS });
      const pip = join(folder, 'bin/pip');
      await runCommand(pip, ['install', '--quiet', '--requirement', REQUIREMENTS], {
        timeoutMs: MINUTES_10_MS,
      });
    } catch (error) {
      if (error instanceof CommandFailed)
        throw new Skip(`the Python clients cannot be installed: ${error.message}`);
      throw error;
    }
    writeFileSync(done, '');
  }
  return { program: (name) => join(folder, 'bin', name) };
}
