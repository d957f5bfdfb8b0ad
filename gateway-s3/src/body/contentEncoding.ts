/** `Content-Encoding`, between what a client sends and what an object keeps. */

/**
 * Takes `aws-chunked` off: it describes the upload, not the object. `undefined` when nothing is left.
 * @source S3 API Reference, "Transferring Payload in Multiple Chunks" (Content-Encoding)
 */
export function storedContentEncoding(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const codings = header.split(',').map((coding) => coding.trim());
  const kept = codings.filter((coding) => coding !== '' && coding.toLowerCase() !== 'aws-chunked');
  return kept.length === 0 ? undefined : kept.join(', ');
}
