import type { OpenObject } from '@facet/core';
import type { Reply } from '../http/reply.ts';
import { PASTED_BYTES_MAX } from '../http/send.ts';
import { objectHeaders, readHeaderOverrides } from '../objects/objectHeaders.ts';
import { checkConditions, readConditions } from '../objects/readConditions.ts';
import { rangeOf, readSelection, select } from '../objects/selection.ts';
import { requireNullVersion } from '../objects/versionId.ts';
import { operation } from '../operation.ts';
import type { S3Request } from '../request.ts';

/** More goes through memory that is used again, at the pace of the client. */
const LASTING_BYTES_MAX = 64 << 10;

export function readObjectInput(request: S3Request) {
  requireNullVersion(request);
  return {
    selection: readSelection(request),
    conditions: readConditions(request.headers),
    overrides: readHeaderOverrides(request),
  };
}

/** @source S3 API Reference, GetObject */
export const getObject = operation({
  level: 'object',
  name: 'GetObject',
  input: readObjectInput,
  run: async ({ core, bucket, key }, { selection, conditions, overrides }): Promise<Reply> => {
    const selectOf = (found: Pick<OpenObject, 'info' | 'part'>) => {
      checkConditions(conditions, found.info);
      return select(selection, conditions, found.info, (number) => found.part(number));
    };
    const withParts = selection.partNumber !== undefined;
    const isForAll = selection.range === undefined && !withParts;
    const object = await core.objects.open({
      ...{ volume: bucket.id, key, withParts },
      ...(!isForAll && { choose: (found) => rangeOf(selectOf(found)) }),
    });
    try {
      const selected = selectOf(object);
      const headers = Object.assign(objectHeaders(object.info, overrides), selected.headers);
      if (selected.lengthBytes === 0) {
        object.close();
        return { status: selected.status, headers };
      }
      const { lengthBytes } = selected;
      const bytes = lengthBytes <= PASTED_BYTES_MAX ? object.readAtOnce(selected.range) : undefined;
      if (bytes !== undefined) {
        object.close();
        return { status: selected.status, headers, body: { latin1: bytes.toString('latin1') } };
      }
      // Held open until the last byte is sent, or the client is gone.
      const lasting = lengthBytes <= LASTING_BYTES_MAX;
      const read = () => (lasting ? object.read(selected.range) : object.stream(selected.range));
      const body = { read, lasting, close: () => object.close() };
      return { status: selected.status, headers, body };
    } catch (error) {
      object.close();
      throw error;
    }
  },
});
