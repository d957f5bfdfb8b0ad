/** What a server measures that is all of Facet in one process. */

import type { S3Gateway } from '@facet/gateway-s3';
import type { OpenStore } from '../store/open.ts';
import { extentFamilies } from './extents.ts';
import { merge } from './merge.ts';
import { MetadataMetrics } from './metadata.ts';
import { NfsMetrics } from './nfs.ts';
import { ProcessMetrics } from './processMetrics.ts';
import { S3Metrics } from './s3.ts';
import { type SpaceParts, spaceFamilies } from './space.ts';
import { volumeFamilies } from './volumes.ts';

const WORKER = 'server';

export interface MeasuredServer extends Pick<SpaceParts, 'layout' | 'lostContainers'> {
  readonly store: OpenStore;
  readonly gateway: Pick<S3Gateway, 'underWay'>;
}

export class ServerMetrics {
  readonly s3 = new S3Metrics();
  readonly nfs = new NfsMetrics();
  readonly metadata = new MetadataMetrics();
  readonly #process = new ProcessMetrics(WORKER);

  /** Before the server is {@link opened}, of the process alone. */
  async exposition(): Promise<string> {
    return merge([await this.#process.collect()]);
  }

  opened({ store, gateway, layout, lostContainers }: MeasuredServer): void {
    const { core, engine, reserve } = store;
    this.#process.add(() => this.s3.families(gateway));
    this.#process.add(() => this.nfs.families());
    this.#process.add(() => this.metadata.families(engine));
    this.#process.add(() => extentFamilies(store));
    this.#process.add(() => spaceFamilies({ core, reserve, layout, lostContainers }));
    this.#process.add(() => volumeFamilies(core));
  }
}
