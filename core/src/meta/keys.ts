/** Every key of the metadata: what there is, and in which order it lies, says the table of {@link SPACE}. */

export * from './keys/contents.ts';
export * from './keys/spaces.ts';
export * from './keys/store.ts';
export * from './keys/tree.ts';
export * from './keys/uploads.ts';
