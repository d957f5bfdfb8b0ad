import type { Logger } from 'pino';
import type { StoreLock } from '../../../store/lock.ts';
import type { ServedWith, Setup } from '../protocol/messages.ts';
import type { SharedState } from '../protocol/sharedState.ts';
import type { Seats } from './seats.ts';

/** What all processes of one server have in common, as the supervisor has it. */
export interface FamilyParts extends Setup {
  readonly lock: StoreLock;
  readonly state: SharedState;
  readonly seats: Seats;
  readonly logger: Logger;
  /** As it is now, for S3 workers that start. */
  readonly served: () => ServedWith;
}
