import { xmlReply } from '../http/reply.ts';
import { operation } from '../operation.ts';
import { textDocument } from '../xml/write.ts';

/** The one region that S3 says nothing for. */
const NAMELESS_REGION = 'us-east-1';

/** @source S3 API Reference, GetBucketLocation */
export const getBucketLocation = operation({
  level: 'bucket',
  name: 'GetBucketLocation',
  input: () => undefined,
  run: async ({ region }) =>
    xmlReply(textDocument('LocationConstraint', region === NAMELESS_REGION ? '' : region)),
});
