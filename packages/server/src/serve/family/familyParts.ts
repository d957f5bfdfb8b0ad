import type { Logger } from 'pino';
import type { ServeSettings } from '../../settings/settings.ts';
import type { StoreLock } from '../../store/lock.ts';
import type { Meeting } from './meeting.ts';
import type { SharedState } from './sharedState.ts';

/** What all processes of one server have in common, as the supervisor has it. */
export interface FamilyParts {
  readonly settings: ServeSettings;
  readonly lock: StoreLock;
  readonly state: SharedState;
  readonly meeting: Meeting;
  readonly logger: Logger;
  /** What a process in its last moments has. */
  readonly graceMs: number;
}
