/** rclone: the one on the PATH, else built from its Go module, else taken out of Debian's package. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CommandFailed, runCommand } from '../runner/command.ts';
import { Skip, type Stage } from '../runner/suite.ts';

const MODULE = 'github.com/rclone/rclone@latest';
const BUILD_MS_MAX = 1_200_000;
const FETCH_MS_MAX = 180_000;

/** The program's path. @throws Skip with what each way said */
export async function installRclone(stage: Stage): Promise<string> {
  const folder = join(stage.cache, 'rclone');
  mkdirSync(folder, { recursive: true });
  const ways = [
    { program: 'rclone', install: async () => undefined },
    { program: join(folder, 'rclone'), install: () => buildModule(folder, stage) },
    { program: join(folder, 'usr/bin/rclone'), install: () => unpackDebian(folder) },
  ];
  for (const { program } of ways) if (await works(program)) return program;
  const said: string[] = [];
  for (const { program, install } of ways.slice(1)) {
    try {
      await install();
      if (await works(program)) return program;
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      said.push(error.message);
    }
  }
  throw new Skip(`rclone is not here and cannot be installed: ${said.join('; ')}`);
}

async function works(program: string): Promise<boolean> {
  if (program.includes('/') && !existsSync(program)) return false;
  try {
    await runCommand(program, ['version'], { timeoutMs: 30_000 });
    return true;
  } catch (error) {
    if (error instanceof CommandFailed) return false;
    throw error;
  }
}

async function buildModule(folder: string, stage: Stage): Promise<void> {
  stage.tell(`building ${MODULE}: this takes minutes, once`);
  await runCommand('go', ['install', MODULE], {
    env: { ...process.env, GOBIN: folder },
    timeoutMs: BUILD_MS_MAX,
  });
}

async function unpackDebian(folder: string): Promise<void> {
  await runCommand('apt-get', ['download', 'rclone'], { cwd: folder, timeoutMs: FETCH_MS_MAX });
  const [file = ''] = readdirSync(folder).filter((name) => name.endsWith('.deb'));
  await runCommand('dpkg-deb', ['--extract', join(folder, file), folder], { timeoutMs: FETCH_MS_MAX });
}
