/** How the description of an instruction gets at its operands, whichever engine it is generated for. */

import type { Code } from '../../wasm/code.js';
import type { Width } from './width.js';

/**
 * The interpreter finds operands in the decoded slot at run time; the translator knows them while it generates and keeps
 * registers in locals. "Push" means: generate code that leaves one value on WebAssembly's stack.
 */
export interface Operands {
  readonly code: Code;
  readonly x: Width;
  /** Pushes general register rs1 or rs2, XLEN wide. */
  rs1(): void;
  rs2(): void;
  /** Pushes the immediate, XLEN wide, or its low word as an i32. */
  imm(): void;
  immWord(): void;
  /** Pushes the instruction's address. */
  pc(): void;
  /** Writes general register rd: `push` leaves its value. */
  setRd(push: () => void): void;
  /** Pushes an f register as its 64 bits, an i64. */
  f1(): void;
  f2(): void;
  f3(): void;
  /** Writes f register rd: `push` leaves its 64 bits. */
  setFd(push: () => void): void;
  /** The same with double precision, as an f64; its bits pass unchanged. */
  d1(): void;
  d2(): void;
  d3(): void;
  setDouble(push: () => void): void;
  /**
   * Generates the way to `bytes` bytes of RAM at rs1 + immediate (at rs1 alone when `isAtomic`, and then only naturally
   * aligned): leaves to the slow path when there is no quick one, else the local that comes back holds a host address
   * to which `memoryOffset` has to be added as the access's static offset.
   */
  access(bytes: number, isWrite: boolean, isAtomic?: boolean): number;
  readonly memoryOffset: number;
  /** Guest physical address less host address of RAM, modulo 2^32. */
  readonly physicalDifference: number;
  /** Takes an i32 from the stack: when it is not 0, the slow path executes the whole instruction instead. */
  slowIf(): void;
  /** Slow unless mstatus.FS is Dirty (and, with `nearest`, frm is RNE). */
  needFloat(nearest: boolean): void;
  /** A local for intermediate values; the same one for the same type and number in every instruction. */
  scratch(type: 'x' | 'i32' | 'i64' | 'f32' | 'f64', number: number): number;
}

/** Generates one instruction's effect but for the way to the next. */
export type Semantics = (o: Operands) => void;
