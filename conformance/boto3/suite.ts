/** boto3 in its default settings: one Python file an operation, over HTTP and TLS, path-style and virtual-hosted. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../runner/command.ts';
import type { Outcome, Suite } from '../runner/suite.ts';
import type { Server } from '../server/launch.ts';
import { installPython } from '../tools/python.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const MINUTES_20_MS = 1_200_000;
/** pytest's: some tests failed. */
const TESTS_FAILED = 1;

/** What `conftest.py` writes, one JSON line a test. */
interface Line {
  readonly check: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly reason: string;
  readonly seconds: number;
}

export const boto3Suite: Suite = {
  name: 'boto3',
  run: async function* (stage) {
    const python = await installPython(stage);
    const ways = [
      { way: 'http, path-style', server: await stage.http(), style: 'path' },
      { way: 'http, virtual-hosted', server: await stage.http(), style: 'virtual' },
      { way: 'https, path-style', server: await stage.https(), style: 'path' },
    ];
    for (const [index, { way, server, style }] of ways.entries()) {
      const outcomes = join(stage.scratch, `boto3-${index}.jsonl`);
      writeFileSync(outcomes, '');
      await runCommand(
        python.program('pytest'),
        ['--quiet', '--config-file', join(FOLDER, 'pytest.ini'), FOLDER],
        {
          cwd: FOLDER,
          env: environment(server, style, outcomes),
          timeoutMs: MINUTES_20_MS,
          allowed: [TESTS_FAILED],
        },
      );
      const lines = readFileSync(outcomes, 'utf8').split('\n').filter(Boolean);
      if (lines.length === 0) throw new Error('pytest ran no test');
      for (const line of lines) yield outcomeOf(JSON.parse(line), way);
    }
  },
};

function environment(server: Server, style: string, outcomes: string): NodeJS.ProcessEnv {
  const { main, alt } = server.accounts;
  return {
    PATH: process.env['PATH'],
    HOME: FOLDER,
    PYTHONDONTWRITEBYTECODE: '1',
    // A name, so that buckets can stand before it; where names under it do not resolve, conftest.py helps.
    FACET_URL: server.url.replace('127.0.0.1', 'localhost'),
    FACET_CERTIFICATE: server.certificateFile,
    ADDRESSING_STYLE: style,
    MAIN_ACCESS_KEY: main.accessKeyId,
    MAIN_SECRET_KEY: main.secretAccessKey,
    ALT_ACCESS_KEY: alt.accessKeyId,
    ALT_SECRET_KEY: alt.secretAccessKey,
    OUTCOMES: outcomes,
  };
}

function outcomeOf({ check, outcome, reason, seconds }: Line, way: string): Outcome {
  const verdict = outcome === 'passed' ? { kind: outcome } : { kind: outcome, reason };
  return { check: `${check} (${way})`, verdict, seconds };
}
