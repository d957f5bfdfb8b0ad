/**
 * Request bodies as push decoders: wire bytes in, object bytes out.
 *
 * **Bytes come out before they are proven.** Memory stays flat because the data of a chunk is handed on as it
 * arrives, ahead of the signature, hash or length that covers it. So a consumer may write what it gets anywhere that
 * nobody can see, and may publish it only after `end()` has returned.
 */

/** Lower-case trailer name → trimmed value. Only names declared in `x-amz-trailer`. */
export type TrailerMap = ReadonlyMap<string, string>;

/**
 * The outcome does not depend on how the wire bytes are split into pushes.
 * After a throw the decoder is dead and must not be used again.
 */
export interface BodyDecoder {
  /**
   * Takes the next wire bytes (they must not change afterwards); returns the object bytes among them, as views.
   * @throws S3Error IncompleteBody (more bytes than announced, bad framing) | SignatureDoesNotMatch |
   *  InvalidChunkSizeError | MalformedTrailerError
   */
  push(bytes: Buffer): readonly Buffer[];
  /**
   * Says that nothing more will come.
   * @throws S3Error IncompleteBody (fewer bytes than announced)
   */
  end(): TrailerMap;
}
