/** The ways in which a body can fail to be what its headers and its own framing announce: all IncompleteBody. */
import { S3Error } from '../errors.ts';

export function bodyTooShort(): S3Error {
  return new S3Error(
    'IncompleteBody',
    'The request body ended before the number of bytes its headers announced.',
  );
}

export function bodyTooLong(): S3Error {
  return new S3Error('IncompleteBody', 'The request body holds more bytes than its headers announced.');
}

/** `what` completes "The aws-chunked body is malformed: …". */
export function badFraming(what: string): S3Error {
  return new S3Error('IncompleteBody', `The aws-chunked body is malformed: ${what}.`);
}
