/** One cell of the table: some requests, on one server, at some connections. */

import { type DriveResult, drive } from '../load/drive.ts';
import { coreBusySeconds, SERVER_CORE } from '../load/process.ts';
import { type ReadyRequest, type RequestPlan, ready } from '../load/request.ts';
import type { Subject } from './servers.ts';

export interface Cell extends DriveResult {
  readonly operationsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly cpuMicrosPerOperation: number;
  /** Share of its core's time in which the core was busy. */
  readonly busy: number;
  readonly peakAnonymousBytes: number;
}

export function prepare(subject: Subject, plans: readonly RequestPlan[]): ReadyRequest[] {
  return plans.map((plan) => ready(subject.endpoint, plan, subject.credentials));
}

export async function measure(
  subject: Subject,
  requests: readonly ReadyRequest[],
  connections: number,
): Promise<Cell> {
  subject.server.forgetPeak();
  const busyBefore = coreBusySeconds(SERVER_CORE);
  const before = subject.server.usage();
  const result = await drive(subject.endpoint, requests, connections);
  const cpuSeconds = subject.server.usage().cpuSeconds - before.cpuSeconds;
  const busySeconds = coreBusySeconds(SERVER_CORE) - busyBefore;
  return {
    ...result,
    operationsPerSecond: result.operations / result.seconds,
    bytesPerSecond: result.bytes / result.seconds,
    cpuMicrosPerOperation: (cpuSeconds * 1e6) / result.operations,
    busy: Math.min(1, busySeconds / result.seconds),
    peakAnonymousBytes: subject.server.peakAnonymousBytes,
  };
}
