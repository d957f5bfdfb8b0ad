import { randomBytes } from 'node:crypto';

const NAME_BYTES = 8;
const SECRET_BYTES = 32;

/** Where processes of one server meet. */
export interface Meeting {
  readonly address: string;
  /** Hexadecimal. */
  readonly secret: string;
}

/** One that no other server has. */
export function newMeeting(): Meeting {
  return {
    address: `facet-${process.pid}-${randomBytes(NAME_BYTES).toString('hex')}`,
    secret: randomBytes(SECRET_BYTES).toString('hex'),
  };
}
