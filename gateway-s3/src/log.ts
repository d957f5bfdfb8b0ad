/** The part of a pino-shaped logger that this door uses. */
export interface Logger {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}
