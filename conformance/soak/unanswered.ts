/** What makes a change one of which nobody knows whether it was made, or one that was put off. All else that goes wrong is a finding. */

/** The connection was refused, broke or ended first, as when the server is killed; or it says that it does not know. */
export class Unanswered extends Error {
  override readonly name: string = 'Unanswered';
}

/** Nothing came for as long as anybody waits. From a server that is there, this is a finding, too. */
export class Silence extends Unanswered {
  override readonly name = 'Silence';
}

/** The server says that it did nothing, and is to be asked again. It is held to that. */
export class PutOff extends Error {
  override readonly name = 'PutOff';
}

export const WITHIN_MS = 60_000;
