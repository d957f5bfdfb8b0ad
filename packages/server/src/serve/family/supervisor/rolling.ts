/**
 * What idle connections have for another request when their process is replaced: a client that keeps one busy asks again within
 * that, and is told to leave by the answer.
 */
export const ROLL_IDLE_MS = 3_000;
