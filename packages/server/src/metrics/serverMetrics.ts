/** What the process with the store measures, and with it all others of the server. */

import type { S3Gateway } from '@facet/gateway-s3';
import type { OpenStore } from '../store/open.ts';
import { VERSION } from '../version.ts';
import { compactorFamilies } from './compactor.ts';
import { extentFamilies } from './extents.ts';
import { gauge, type MetricsJson } from './families.ts';
import { LongWorkMetrics } from './longWork.ts';
import { merge } from './merge.ts';
import { MetadataMetrics } from './metadata.ts';
import { NfsMetrics } from './nfs.ts';
import { labelled, type MetricsSource, ProcessMetrics } from './processMetrics.ts';
import { S3Metrics } from './s3.ts';
import { type SpaceParts, spaceFamilies } from './space.ts';
import { volumeFamilies } from './volumes.ts';

const ALONE = 'server';
const WITH_OTHERS = 'store';

export interface MeasuredServer extends Pick<SpaceParts, 'layout' | 'lostContainers'> {
  readonly store: OpenStore;
  /** Undefined: other processes serve S3. */
  readonly gateway: Pick<S3Gateway, 'underWay'> | undefined;
}

export interface OtherProcesses {
  /** What each of them measured. */
  readonly metricsOfOthers: () => Promise<readonly MetricsJson[]>;
}

export class ServerMetrics {
  readonly s3 = new S3Metrics();
  readonly nfs = new NfsMetrics();
  readonly metadata = new MetadataMetrics();
  readonly longWork = new LongWorkMetrics();
  readonly #process: ProcessMetrics;
  readonly #others: OtherProcesses | undefined;

  /** @param others unless told, there are none */
  constructor(others?: OtherProcesses) {
    this.#process = new ProcessMetrics(others ? WITH_OTHERS : ALONE);
    this.#others = others;
    const built = { name: 'facet_build_info', help: '1, and which Facet it is.' };
    this.#process.add(() => [gauge(built, [1, { version: VERSION }])]);
  }

  /** Before the server is {@link opened}, of the process and its version alone. */
  async exposition(): Promise<string> {
    const [own, others] = await Promise.all([this.#process.collect(), this.#others?.metricsOfOthers() ?? []]);
    return merge([own, ...others]);
  }

  opened({ store, gateway, layout, lostContainers }: MeasuredServer): void {
    const { core, engine, reserve } = store;
    if (gateway) this.#addOwn(() => this.s3.families(gateway));
    this.#process.add(() => this.nfs.families());
    this.#process.add(() => this.metadata.families(engine));
    this.#addOwn(() => extentFamilies(store));
    this.#process.add(() => spaceFamilies({ core, reserve, layout, lostContainers }));
    const { compactor } = core;
    if (compactor) this.#process.add(() => compactorFamilies(compactor.counts));
    this.#process.add(() => volumeFamilies(core));
    this.#process.add(() => this.longWork.families());
  }

  /** What each process has of its own, where there are several. */
  #addOwn(source: MetricsSource): void {
    this.#process.add(this.#others ? async () => labelled(await source(), WITH_OTHERS) : source);
  }
}
