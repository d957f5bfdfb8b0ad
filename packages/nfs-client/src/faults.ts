/** The two ways in which a call is not answered as it should be. */

/** No reply: nobody knows what became of the call. */
export class NoReply extends Error {
  override readonly name = 'NoReply';
  /** `broken`: the connection was refused, was reset or ended first. `silence`: it is there, and nothing came in time. */
  readonly how: 'broken' | 'silence';

  constructor(how: NoReply['how'], message: string) {
    super(message);
    this.how = how;
  }
}

/** What came is no reply that a server may give to the call: whatever it did, it does not speak the protocol. */
export class WrongReply extends Error {
  override readonly name = 'WrongReply';
}
