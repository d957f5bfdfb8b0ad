/** A server, the kernel that has it mounted, and the measuring of one step. */

import { Meter } from '../load/meter.ts';
import { KernelClient, type KernelClientOptions } from './kernelClient.ts';
import type { NfsServer } from './server.ts';
import type { Step } from './steps.ts';

export interface Cell {
  readonly operations: number;
  readonly operationsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly cpuMicrosPerOperation: number;
  /** What the client's calls took from sending to reply: the server, and the way there and back. */
  readonly waitMicrosPerOperation: number;
  readonly peakAnonymousBytes: number;
  /** Milliseconds, of a file; not a number where a step is not done file by file. */
  readonly p50: number;
  readonly p99: number;
}

export class Subject {
  readonly #server: NfsServer;
  readonly #client: KernelClient;
  readonly #meter: Meter;

  private constructor(server: NfsServer, client: KernelClient) {
    this.#server = server;
    this.#client = client;
    this.#meter = new Meter(server.pid);
  }

  /** Mounts what a server exports. */
  static async mount(
    server: NfsServer,
    options: Omit<KernelClientOptions, 'nfsPort' | 'mountPort' | 'exportPath'>,
  ): Promise<Subject> {
    const { nfsPort, mountPort, exportPath } = server;
    try {
      return new Subject(server, await KernelClient.boot({ ...options, nfsPort, mountPort, exportPath }));
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  async measure(step: Step, folder: string): Promise<Cell> {
    const meter = this.#meter;
    meter.forgetPeak();
    const before = meter.cpuSeconds;
    const done = await this.#client.step({ ...step.plan, folder });
    const { operations, bytes, seconds, waitedSeconds, p50 = Number.NaN, p99 = Number.NaN } = done;
    return {
      operations,
      operationsPerSecond: operations / seconds,
      bytesPerSecond: bytes / seconds,
      cpuMicrosPerOperation: ((meter.cpuSeconds - before) * 1e6) / operations,
      waitMicrosPerOperation: (waitedSeconds * 1e6) / operations,
      peakAnonymousBytes: meter.peakAnonymousBytes,
      ...{ p50, p99 },
    };
  }

  async stop(): Promise<void> {
    this.#meter.stop();
    try {
      await this.#client.stop();
    } finally {
      await this.#server.stop();
    }
  }
}
