/**
 * `npm run conformance [-- --only SUITE,SUITE] [--large]`: real clients against a server started as the README says.
 * Prints a line a check, a table a suite, and last `N passed, N failed, N skipped`. Exit code 1 when a check failed.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { awsCliSuite } from './awsCli/suite.ts';
import { boto3Suite } from './boto3/suite.ts';
import { doorsSuite } from './doors/suite.ts';
import { fullDiskSuite } from './fullDisk/suite.ts';
import { hostileSuite } from './hostile/suite.ts';
import { javascriptSuite } from './javascript/suite.ts';
import { loadSuite } from './load/suite.ts';
import { metricsSuite } from './metrics/suite.ts';
import { nfsSuite } from './nfs/suite.ts';
import { posixSuite } from './posix/suite.ts';
import { racingSuite } from './racing/suite.ts';
import { rcloneSuite } from './rclone/suite.ts';
import { Report } from './runner/report.ts';
import { judge, type Stage, type Suite } from './runner/suite.ts';
import { s3cmdSuite } from './s3cmd/suite.ts';
import { README_COMMANDS, type Server, startServer } from './server/launch.ts';

const SUITES: readonly Suite[] = [
  hostileSuite,
  racingSuite,
  boto3Suite,
  javascriptSuite,
  awsCliSuite,
  s3cmdSuite,
  rcloneSuite,
  loadSuite,
  metricsSuite,
  nfsSuite,
  doorsSuite,
  posixSuite,
  fullDiskSuite,
];

const { values } = parseArgs({
  options: { only: { type: 'string' }, large: { type: 'boolean', default: false } },
});
const wanted = values.only?.split(',') ?? SUITES.map(({ name }) => name);
const unknown = wanted.filter((name) => !SUITES.some((suite) => suite.name === name));
if (unknown.length > 0) {
  console.error(
    `no such suite: ${unknown.join(', ')}; there are ${SUITES.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}

const servers = new Map<string, Promise<Server>>();
const scratch = mkdtempSync(join(tmpdir(), 'facet-conformance-'));
const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'facet-conformance');
mkdirSync(cache, { recursive: true });

function sharedServer(scheme: 'http' | 'https'): Promise<Server> {
  const running = servers.get(scheme) ?? startServer({ launcher: README_COMMANDS, tls: scheme === 'https' });
  servers.set(scheme, running);
  return running;
}

const stage: Stage = {
  http: () => sharedServer('http'),
  https: () => sharedServer('https'),
  fresh: () => startServer({ launcher: README_COMMANDS, tls: false }),
  large: values.large,
  cache,
  scratch,
  tell: (line) => console.log(`      ${line}`),
};

// Who ends the run early is not left with servers and machines: each is told when this process exits.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const report = new Report();
for (const suite of SUITES.filter(({ name }) => wanted.includes(name))) {
  const verdict = await judge(async () => {
    for await (const outcome of suite.run(stage)) report.add(suite.name, outcome);
  });
  if (verdict.kind !== 'passed') report.add(suite.name, { check: 'the suite itself', verdict, seconds: 0 });
}
for (const [scheme, server] of servers) {
  const verdict = await judge(async () => (await server).stop());
  report.add('server', {
    check: `over ${scheme}: started by npm start, ended well by SIGTERM`,
    verdict,
    seconds: 0,
  });
}
rmSync(scratch, { recursive: true, force: true });
report.finish();
process.exit(report.failed > 0 ? 1 : 0);
