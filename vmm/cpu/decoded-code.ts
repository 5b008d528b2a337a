/** The form in which the interpreter keeps instructions: two words for every halfword of guest code. */

import type { DecodedInstruction } from '../isa/decoder.js';
import { SINK } from './hart-state.js';

/**
 * Layout of the first word: bits 0..7 what to do, 8..13 rd, 14..19 rs1, 20..25 rs2, 28..31 the length in bytes.
 * Registers are indices into the state area's words, and x0 as a destination is `SINK`, so the hot loop never asks.
 * The second word is the immediate: of loads and stores less `ramBase`, of `auipc` the result; of everything from `fence`
 * up, which the hot loop never executes, it is the instruction's bits.
 */
export const RD_SHIFT = 8;
export const RS1_SHIFT = 14;
export const RS2_SHIFT = 20;
export const REGISTER_MASK = 63;
export const LENGTH_SHIFT = 28;

/** Instruction numbers (`Instruction.id`) are used as they are; these are the interpreter's own besides them. */
export const OP = {
  /** The slot has not been looked at: what fresh memory holds. */
  undecoded: 0,
  /** Nothing to execute here: the hot loop ran out of its region. */
  leave: 192,
  /** The immediate is the instruction's bits. */
  illegal: 193,
  /** The immediate is the address that cannot be fetched. */
  fetchFault: 194,
  /** Plus the number of a branch or `jal` whose target is in another region. */
  far: 200,
} as const;

/** Instruction numbers that lowering or the slow path treats by name. */
export const ID = {
  lui: 1,
  auipc: 2,
  jal: 3,
  jalr: 4,
  beq: 5,
  bgeu: 10,
  lb: 11,
  lhu: 15,
  sb: 16,
  sw: 18,
  fence: 46,
  fenceI: 47,
  ecall: 48,
  ebreak: 49,
  mret: 50,
  wfi: 51,
  csrrw: 52,
  csrrci: 57,
  lr: 58,
  sc: 59,
  amoswap: 60,
  amomaxu: 68,
} as const;

/** Code is kept in regions of this many bytes, so that no jump inside one needs a look-up. */
export const REGION_SHIFT = 20;
export const REGION_BYTES = 1 << REGION_SHIFT;

/** The slots after a region's last byte, where straight-line code runs out of it. */
const GUARD_WORDS = 4;

/** A region with nothing decoded. */
export function createRegion(): Int32Array {
  const region = new Int32Array(REGION_BYTES + GUARD_WORDS);
  for (let i = REGION_BYTES; i < region.length; i += 2) region[i] = OP.leave;
  return region;
}

const isBranch = (id: number): boolean => id >= ID.beq && id <= ID.bgeu;
const isLoadOrStore = (id: number): boolean => id >= ID.lb && id <= ID.sw;

/** Writes a valid instruction into its slot; `index` is its byte offset in the region. */
export function storeDecoded(
  region: Int32Array,
  index: number,
  regionBase: number,
  ramBase: number,
  instruction: DecodedInstruction,
  bits: number,
): void {
  const { id, length, rs1, rs2, imm } = instruction;
  let op = id;
  let operand = imm;
  if (id === ID.auipc) {
    op = ID.lui;
    operand = regionBase + index + imm;
  } else if (isBranch(id) || id === ID.jal) {
    const target = index + imm;
    if (target < 0 || target >= REGION_BYTES) op = OP.far + id;
  } else if (isLoadOrStore(id)) {
    operand = imm - ramBase;
  } else if (id >= ID.fence) {
    operand = bits;
  }
  const rd = instruction.rd === 0 ? SINK : 2 * instruction.rd;
  region[index] =
    op | (rd << RD_SHIFT) | ((2 * rs1) << RS1_SHIFT) | ((2 * rs2) << RS2_SHIFT) | (length << LENGTH_SHIFT);
  region[index + 1] = operand;
}

/** Writes a slot that only traps: `op` is `OP.illegal` or `OP.fetchFault`. */
export function storeTrapping(region: Int32Array, index: number, op: number, value: number): void {
  region[index] = op | (SINK << RD_SHIFT) | (2 << LENGTH_SHIFT);
  region[index + 1] = value;
}
