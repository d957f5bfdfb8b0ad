export * from './errors.ts';
export * from './ids.ts';
export type * from './objects/types.ts';
export type * from './volumes/types.ts';
export interface Core {
  readonly objects: import('./objects/types.ts').ObjectView;
  readonly volumes: import('./volumes/types.ts').VolumeView;
  readonly accounts: import('./volumes/types.ts').AccountView;
  close(): Promise<void>;
}
