/** Bits of an instruction from its row and operand numbers: what the generator writes instead of assembly text. */

import type { Random } from '../../base/index.js';
import {
  FORMATS,
  type Format,
  type ImmediateField,
  type RegisterField,
  RM_SHIFT,
  writeImmediate,
} from '../isa/format.js';
import type { Instruction } from '../isa/instruction-table.js';

const REGISTERS = ['rd', 'rs1', 'rs2', 'rs3'] as const;
type RegisterName = (typeof REGISTERS)[number];

export type Operands = { readonly [name in RegisterName | 'imm' | 'rm']?: number };

/** The instruction's bits; throws an `Error` when an operand does not fit, because only the generator asks. */
export function encode(row: Instruction, operands: Operands): number {
  const format: Format = FORMATS[row.format];
  let word = row.match;
  for (const name of REGISTERS) {
    const field = format[name];
    const number = operands[name];
    if (field === undefined || number === undefined) continue;
    const value = number - field.plus;
    if (value < 0 || value >= 1 << field.width) throw new Error(`${row.name} cannot have ${name} = ${number}.`);
    word |= value << field.at;
  }
  if (format.imm !== undefined) word |= encodeImmediate(row, format.imm, operands.imm ?? 0);
  if (format.rm !== undefined) word |= (operands.rm ?? format.rm) << RM_SHIFT;
  return word >>> 0;
}

function encodeImmediate(row: Instruction, field: ImmediateField, value: number): number {
  const bits = writeImmediate(field, value);
  if (bits === undefined) throw new Error(`${row.name} cannot have the immediate ${value}.`);
  return bits;
}

/** Which register numbers an operand may name. */
export interface RegisterChoice {
  /** A register that may be written. `first` and `count` are what the field can express. */
  destination(first: number, count: number): number;
}

const INTERESTING = [0, 1, -1, 2, 4, 8, 16, 31, -2, -32, 0x7ff, -0x800, 0x1000, -0x1000];

function randomImmediate(field: ImmediateField, random: Random): number {
  if (random.below(3) === 0) {
    const bits = writeImmediate(field, INTERESTING[random.below(INTERESTING.length)]);
    if (bits !== undefined) return bits;
  }
  let word = 0;
  for (const { at, width } of field.pieces) word |= random.below(2 ** width) << at;
  return word;
}

/** Rounding modes: the reserved ones, 5 and 6, trap and are rare. */
function randomRounding(random: Random): number {
  const rm = random.below(8);
  return (rm === 5 || rm === 6) && random.below(4) !== 0 ? 7 : rm;
}

const rangeOf = (field: RegisterField): number => 1 << field.width;

/**
 * The row with random operands, sources from all registers, and every bit that is neither fixed nor an operand random
 * (`aq`, `rl`, the sets of `fence`). Operands in `fixed` are as given.
 */
export function encodeRandom(row: Instruction, random: Random, choice: RegisterChoice, fixed: Operands = {}): number {
  const format: Format = FORMATS[row.format];
  let word = row.match;
  let known = row.mask;
  for (const name of REGISTERS) {
    const field = format[name];
    if (field === undefined || field.width === 0) continue;
    const bits = (rangeOf(field) - 1) << field.at;
    if ((known & bits) === bits) continue;
    known |= bits;
    const isWritten = name === 'rd' && field.file === 'x';
    const number =
      fixed[name] ??
      (isWritten ? choice.destination(field.plus, rangeOf(field)) : field.plus + random.below(rangeOf(field)));
    word |= (number - field.plus) << field.at;
  }
  if (format.imm !== undefined) {
    for (const { at, width } of format.imm.pieces) known |= (2 ** width - 1) << at;
    word |= fixed.imm === undefined ? randomImmediate(format.imm, random) : encodeImmediate(row, format.imm, fixed.imm);
  }
  if (format.rm !== undefined) {
    known |= 7 << RM_SHIFT;
    word |= (fixed.rm ?? randomRounding(random)) << RM_SHIFT;
  }
  // Where there is no syntax there may be bits that a hart must ignore; in a half-word there is nothing above.
  const free = row.length === 2 ? 0 : ~known;
  return (word | (free & random.uint32())) >>> 0;
}
