/** POSIX as others test it: pjdfstest, the Connectathon suite and fsx on a kernel's mount, and the same on NFS-Ganesha. */
import { join } from 'node:path';
import { bootKernel } from '../nfs/kernelClient.ts';
import { startTwoDoors } from '../nfs/server.ts';
import { judge, type Outcome, Skip, type Stage, type Suite } from '../runner/suite.ts';
import { startGanesha } from './ganesha.ts';
import { known } from './known.ts';
import { haveProgram, type ProgramName } from './programs.ts';
import { EXHAUSTIVE, runs } from './running.ts';
import type { Tally } from './tally.ts';
import { judgeFailure } from './verdicts.ts';

const VOLUME = 'posix';
const NAMES: readonly ProgramName[] = ['cthon', 'fsx', 'pjdfstest'];

interface Ran {
  readonly tally: Tally;
  readonly seconds: number;
}

type Ports = Pick<Parameters<typeof bootKernel>[0], 'port' | 'mountPort' | 'lockPort'>;

export const posixSuite: Suite = {
  name: 'posix',
  run: async function* (stage) {
    if (process.env['FACET_NFS_CLIENT'] === undefined) {
      throw new Skip('FACET_NFS_CLIENT names no program that boots a Linux kernel');
    }
    const built = new Map<ProgramName, string>();
    for (const name of NAMES) {
      const verdict = await judge(async () => void built.set(name, await haveProgram(stage, name)));
      if (verdict.kind !== 'passed') yield { check: name, verdict, seconds: 0 };
    }
    if (built.size === 0) return;
    if (built.has('pjdfstest') && !stage.large) {
      stage.tell(`of pjdfstest a sample: all but ${EXHAUSTIVE.join(', ')}, which --large runs too`);
    }
    const server = await startTwoDoors(join(stage.scratch, 'posix-server'));
    await server.addVolume(VOLUME);
    const facet = await runAll(stage, 'Facet', built, { port: server.nfsPort });
    const verdict = await judge(() => server.stopAndProve());
    yield { check: 'the server ends well, and metadata and data agree', verdict, seconds: 0 };
    const baseLine = new Map<ProgramName, Ran>();
    const why = await judge(async () => {
      const ganesha = await startGanesha(join(stage.scratch, 'posix-ganesha'), VOLUME);
      try {
        for (const [name, ran] of await runAll(stage, 'NFS-Ganesha', built, ganesha)) baseLine.set(name, ran);
      } finally {
        await ganesha.stop();
      }
    });
    if (why.kind !== 'passed') yield { check: 'the base line', verdict: why, seconds: 0 };
    for (const [name, ran] of facet) yield* compare(name, ran, baseLine.get(name));
  },
};

async function runAll(
  stage: Stage,
  server: string,
  built: ReadonlyMap<ProgramName, string>,
  ports: Ports,
): Promise<Map<ProgramName, Ran>> {
  const mount = await bootKernel({
    ...{ ...ports, volume: VOLUME, scratch: stage.scratch },
    ...{ mount: 'hard,rsize=1048576,wsize=1048576', locks: true },
  });
  const ran = new Map<ProgramName, Ran>();
  try {
    for (const [name, folder] of built) {
      const started = performance.now();
      const tally = await runs[name]({ mount, built: folder, large: stage.large });
      const seconds = (performance.now() - started) / 1000;
      ran.set(name, { tally, seconds });
      stage.tell(`${name}: ${server} ${inWords({ tally, seconds })}`);
    }
  } finally {
    await mount.stop();
  }
  return ran;
}

function* compare(name: ProgramName, facet: Ran, ganesha: Ran | undefined): Generator<Outcome, void> {
  const counts = [
    `Facet ${inWords(facet)}`,
    ...(ganesha === undefined ? [] : [`NFS-Ganesha ${inWords(ganesha)}`]),
  ];
  const verdict =
    facet.tally.passed > 0
      ? ({ kind: 'passed' } as const)
      : ({ kind: 'failed', reason: 'nothing passed' } as const);
  yield { check: `${name}: ${counts.join('; ')}`, verdict, seconds: facet.seconds };
  for (const [check, said] of facet.tally.failed) {
    const failure = { check: `${name} ${check}`, said, onPeer: ganesha?.tally.failed.has(check) };
    yield { check: failure.check, verdict: judgeFailure(failure, known), seconds: 0 };
  }
}

const inWords = ({ tally, seconds }: Ran): string =>
  `${tally.passed} passed, ${tally.failed.size} failed in ${seconds.toFixed(0)} s`;
