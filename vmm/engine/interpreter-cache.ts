/** Compiled interpreters: one for each kind of hart and board in a process, because V8 optimises each of them once. */

import type { GuestMemory } from '../cpu/guest-memory.js';
import { Decoder } from '../isa/decoder.js';
import { type Instruction, RV32IMAC, RV64GC, selectInstructions } from '../isa/instruction-table.js';
import { compileModule, instantiate, type WasmModule, type WasmTable } from '../wasm/web-assembly.js';
import { buildInterpreterModule } from './interpreter-module.js';

/** Places for translated regions in a machine's table. */
const REGION_PLACES = 0x4000;

const INSTRUCTIONS: Readonly<Record<32 | 64, readonly Instruction[]>> = {
  32: selectInstructions(32, RV32IMAC),
  64: selectInstructions(64, RV64GC),
};

const decoders = new Map<32 | 64, Decoder>();

/** The decoder of our harts of this width. */
export function decoderOf(xlen: 32 | 64): Decoder {
  let decoder = decoders.get(xlen);
  if (decoder === undefined) {
    decoder = new Decoder(INSTRUCTIONS[xlen]);
    decoders.set(xlen, decoder);
  }
  return decoder;
}

/** An interpreter over one machine's memory. */
export interface InterpreterInstance {
  /** See `buildInterpreterModule`. */
  readonly run: (slot: number, left: number) => number;
  /** Undefined in a build without regions. */
  readonly table: WasmTable | undefined;
}

const modules = new Map<string, WasmModule>();

/** `threshold`: how many jumps make code hot (`HEAT.threshold` as a rule); undefined for a build without regions. */
export function instantiateInterpreter(
  xlen: 32 | 64,
  memory: GuestMemory,
  threshold: number | undefined,
): InterpreterInstance {
  const key = `${xlen} ${memory.ramBase} ${threshold}`;
  let module = modules.get(key);
  if (module === undefined) {
    const regions = threshold === undefined ? 0 : REGION_PLACES;
    const options = { xlen, instructions: INSTRUCTIONS[xlen], ramBase: memory.ramBase, regions };
    module = compileModule(buildInterpreterModule(threshold === undefined ? options : { ...options, threshold }));
    modules.set(key, module);
  }
  const { run, table } = instantiate(module, memory.memory);
  return { run: run as InterpreterInstance['run'], table: table as WasmTable | undefined };
}
