export type { CommandContext, Environment } from './commands/command.ts';
export { type Core, type CoreParts, openCore } from './core.ts';
export { systemEnvironment } from './environment.ts';
export * from './errors.ts';
export type * from './files/types.ts';
export * from './ids.ts';
export type * from './objects/types.ts';
export type * from './volumes/types.ts';
