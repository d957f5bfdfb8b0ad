/**
 * As much of WebAssembly's JavaScript interface as is used here: TypeScript has it among the types of browsers alone.
 * @source WebAssembly JavaScript Interface, W3C
 */
declare global {
  namespace WebAssembly {
    class Memory {
      constructor(size: { readonly initial: number; readonly maximum: number; readonly shared: true });
      readonly buffer: SharedArrayBuffer;
    }
    class Module {
      constructor(bytes: Uint8Array<ArrayBuffer>);
    }
    class Instance {
      constructor(
        module: Module,
        imports: { readonly [module: string]: { readonly [name: string]: Memory } },
      );
      readonly exports: Exports;
    }
    type Exports = Readonly<Record<string, unknown>>;
  }
}

export {};
