import assert from 'node:assert/strict';
import type { OpenObject } from '@facet/core';
import type { Reply } from '../http/reply.ts';
import { PASTED_BYTES_MAX } from '../http/send.ts';
import { type HeaderOverrides, objectHeaders, readHeaderOverrides } from '../objects/objectHeaders.ts';
import { checkConditions, readConditions } from '../objects/readConditions.ts';
import { rangeOf, readSelection, type Selected, select } from '../objects/selection.ts';
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
    let selected: Selected | undefined;
    const object = await core.objects.open({
      volume: bucket.id,
      key,
      withParts: selection.partNumber !== undefined,
      choose: ({ info, part }) => {
        checkConditions(conditions, info);
        selected = select(selection, conditions, info, part);
        return rangeOf(selected);
      },
    });
    try {
      assert(selected !== undefined, 'what is opened was chosen');
      return answer(object, selected, overrides);
    } catch (error) {
      object.close();
      throw error;
    }
  },
});

function answer(object: OpenObject, selected: Selected, overrides: HeaderOverrides): Reply {
  const { status, range, lengthBytes } = selected;
  const headers = Object.assign(objectHeaders(object.info, overrides), selected.headers);
  if (lengthBytes === 0) {
    object.close();
    return { status, headers };
  }
  const bytes = lengthBytes <= PASTED_BYTES_MAX ? object.readAtOnce(range) : undefined;
  if (bytes !== undefined) {
    object.close();
    return { status, headers, body: { latin1: bytes.toString('latin1') } };
  }
  // Held open until the last byte is sent, or the client is gone.
  const lasting = lengthBytes <= LASTING_BYTES_MAX;
  const read = () => (lasting ? object.read(range) : object.stream(range));
  return { status, headers, body: { read, lasting, close: () => object.close() } };
}
