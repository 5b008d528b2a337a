/** The part of the JavaScript embedding of WebAssembly that the engines use; neither ES nor Node.js 20 types know it. */

/** A shared `WebAssembly.Memory`. */
export interface SharedWasmMemory {
  readonly buffer: SharedArrayBuffer;
}

/** A compiled module. */
export interface WasmModule {
  readonly [Symbol.toStringTag]: string;
}

/** A table of functions. */
export interface WasmTable {
  readonly length: number;
  set(index: number, value: unknown): void;
}

interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}

interface WasmNamespace {
  readonly Memory: new (descriptor: { initial: number; maximum: number; shared: true }) => SharedWasmMemory;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => WasmModule;
  readonly Instance: new (
    module: WasmModule,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => WasmInstance;
}

const { Memory, Module, Instance } = (globalThis as unknown as { readonly WebAssembly: WasmNamespace }).WebAssembly;

/** Throws a `RangeError` when the host has no room. */
export function createSharedMemory(pages: number): SharedWasmMemory {
  return new Memory({ initial: pages, maximum: pages, shared: true });
}

export function compileModule(bytes: Uint8Array<ArrayBuffer>): WasmModule {
  return new Module(bytes);
}

/** Instantiates over `memory`; returns the exports. */
export function instantiate(module: WasmModule, memory: SharedWasmMemory): Readonly<Record<string, unknown>> {
  return new Instance(module, { m: { m: memory } }).exports;
}
