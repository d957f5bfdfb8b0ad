import type { ObjectInfo } from '@facet/core';
import type { Reply } from '../http/reply.ts';
import { objectHeaders } from '../objects/objectHeaders.ts';
import { checkConditions } from '../objects/readConditions.ts';
import { type PartLookup, select } from '../objects/selection.ts';
import { type ObjectCall, operation } from '../operation.ts';
import { readObjectInput } from './getObject.ts';

/** @source S3 API Reference, HeadObject */
export const headObject = operation({
  level: 'object',
  name: 'HeadObject',
  input: readObjectInput,
  run: async (call, { selection, conditions, overrides }): Promise<Reply> => {
    const { info, part } = await look(call, selection.partNumber !== undefined);
    checkConditions(conditions, info);
    const selected = select(selection, conditions, info, part);
    const headers = Object.assign(objectHeaders(info, overrides), selected.headers);
    return { status: selected.status, headers };
  },
});

/** Only a question about a part needs the object opened. */
async function look(
  { core, bucket, key }: ObjectCall,
  withParts: boolean,
): Promise<{ readonly info: ObjectInfo; readonly part: PartLookup }> {
  const place = { volume: bucket.id, key };
  if (!withParts) return { info: await core.objects.head(place), part: noParts };
  const object = await core.objects.open({ ...place, withParts: true, choose: () => 'nothing' });
  object.close();
  return { info: object.info, part: (number) => object.part(number) };
}

function noParts(): never {
  throw new Error('a part was asked of an object that was not opened');
}
