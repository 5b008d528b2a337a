/** Puts functions together to a WebAssembly module that works on an imported shared memory (Core specification 2.0, chapter 5). */

import { ByteWriter } from './byte-writer.js';
import { Code } from './code.js';
import type { ValueType } from './opcodes.js';

/** Parameters and results of a function. */
export interface Signature {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

const SECTION = { type: 1, import: 2, function: 3, table: 4, export: 7, code: 10 } as const;
const FUNCREF = 0x70;
/** Limits of a shared memory: minimum and maximum are given. */
const SHARED = 0x03;
const MOST_PAGES = 0x1_0000;

interface FunctionEntry {
  readonly type: number;
  readonly code: Code;
  readonly exportName: string | undefined;
}

/** Imports memory `m.m`; functions are numbered in the order in which they are added, from 0. */
export class ModuleBuilder {
  readonly #types: Signature[] = [];
  readonly #functions: FunctionEntry[] = [];
  #tableEntries = 0;

  /** The number of a signature, for `callIndirect` too. */
  type(signature: Signature): number {
    const key = JSON.stringify(signature);
    const known = this.#types.findIndex((other) => JSON.stringify(other) === key);
    return known >= 0 ? known : this.#types.push(signature) - 1;
  }

  /** The module has a table of functions of its own, exported as `table`. */
  table(entries: number): void {
    this.#tableEntries = entries;
  }

  /** Adds a function whose body the caller writes into the `Code` that comes back. */
  function(signature: Signature, exportName?: string): Code {
    const code = new Code(signature.parameters);
    this.#functions.push({ type: this.type(signature), code, exportName });
    return code;
  }

  /** How many functions there are: the number of the next. */
  get functionCount(): number {
    return this.#functions.length;
  }

  /** The module's bytes. */
  encode(): Uint8Array<ArrayBuffer> {
    const module = new ByteWriter();
    for (const byte of [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) module.byte(byte);
    section(module, SECTION.type, (w) => this.#writeTypes(w));
    section(module, SECTION.import, writeMemoryImport);
    section(module, SECTION.function, (w) => {
      w.unsigned(this.#functions.length);
      for (const { type } of this.#functions) w.unsigned(type);
    });
    if (this.#tableEntries > 0) {
      section(module, SECTION.table, (w) => {
        w.unsigned(1);
        w.byte(FUNCREF);
        w.byte(0);
        w.unsigned(this.#tableEntries);
      });
    }
    section(module, SECTION.export, (w) => this.#writeExports(w));
    section(module, SECTION.code, (w) => {
      w.unsigned(this.#functions.length);
      for (const { code } of this.#functions) code.encode(w);
    });
    return new Uint8Array(module.view());
  }

  #writeTypes(w: ByteWriter): void {
    w.unsigned(this.#types.length);
    for (const { parameters, results } of this.#types) {
      w.byte(0x60);
      w.unsigned(parameters.length);
      for (const type of parameters) w.byte(type);
      w.unsigned(results.length);
      for (const type of results) w.byte(type);
    }
  }

  #writeExports(w: ByteWriter): void {
    const named = this.#functions.flatMap(({ exportName }, index) =>
      exportName === undefined ? [] : [{ exportName, index }],
    );
    w.unsigned(named.length + (this.#tableEntries > 0 ? 1 : 0));
    for (const { exportName, index } of named) {
      w.name(exportName);
      w.byte(0);
      w.unsigned(index);
    }
    if (this.#tableEntries > 0) {
      w.name('table');
      w.byte(1);
      w.unsigned(0);
    }
  }
}

function section(module: ByteWriter, id: number, write: (writer: ByteWriter) => void): void {
  const content = new ByteWriter();
  write(content);
  module.byte(id);
  module.unsigned(content.length);
  module.append(content.view());
}

function writeMemoryImport(w: ByteWriter): void {
  w.unsigned(1);
  w.name('m');
  w.name('m');
  w.byte(2);
  w.byte(SHARED);
  w.unsigned(1);
  w.unsigned(MOST_PAGES);
}
