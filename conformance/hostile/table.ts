/** Every hostile request, by what it abuses. */
import { authorizations } from './authorizations.ts';
import { chunks } from './chunks.ts';
import { documents } from './documents.ts';
import { headers } from './headers.ts';
import { keys } from './keys.ts';
import { lengths } from './lengths.ts';
import { presignedUrls } from './presigned.ts';
import { queries } from './queries.ts';
import { ranges } from './ranges.ts';
import type { Row } from './row.ts';
import { signatures } from './signatures.ts';

export const TABLE: Readonly<Record<string, readonly Row[]>> = {
  'signatures that do not hold': signatures,
  'Authorization headers': authorizations,
  'presigned URLs': presignedUrls,
  'aws-chunked bodies': chunks,
  'XML documents': documents,
  headers,
  queries,
  ranges,
  'keys and bucket names': keys,
  'lengths that lie': lengths,
};
