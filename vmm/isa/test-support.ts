/** Random instructions of a row, as bits and as text, for the tests of this folder. */

import type { Random } from '../../base/index.js';
import type { DecodedInstruction } from './decoder.js';
import { ROUNDING_MODES } from './encoder.js';
import { FORMATS, type Format, RM_SHIFT } from './format.js';
import type { Extension, Instruction } from './instruction-table.js';

/** Every extension of the table, so that a test selects all rows of a width. */
export const EVERY_EXTENSION: ReadonlySet<Extension> = new Set<Extension>([
  ...(['I', 'M', 'A', 'F', 'D', 'C', 'Zcd', 'Zicsr', 'Zifencei', 'Zba', 'Zbb', 'Privileged', 'S'] as const),
]);

/** Bits of the row with random operands, but only such as have a syntax: no sets of a fence, no aq and rl, no reserved mode. */
export function randomWord(row: Instruction, random: Random): number {
  const format: Format = FORMATS[row.format];
  if (row.format === 'none') return row.match >>> 0;
  let word = row.match | (random.uint32() & ~row.mask & (row.length === 2 ? 0xffff : -1));
  if (row.format === 'amo' || row.format === 'lr') word &= ~(3 << 25);
  const mode = (word >>> RM_SHIFT) & 7;
  if (format.rm !== undefined && (mode === 5 || mode === 6)) word &= ~(4 << RM_SHIFT);
  return word >>> 0;
}

/** An operand text for each slot of the row's syntax; a rounding mode when it is not the one that may be left out. */
export function operandsOf(row: Instruction, fields: DecodedInstruction): string[] {
  const format: Format = FORMATS[row.format];
  const slots = format.syntax === '' ? [] : format.syntax.split(',');
  const operands = slots.map((slot) => operandText(format, slot, fields));
  if (format.rm === undefined || format.rm === fields.rm) return operands;
  const mode = Object.keys(ROUNDING_MODES).find((name) => ROUNDING_MODES[name] === fields.rm);
  return [...operands, String(mode)];
}

function operandText(format: Format, slot: string, fields: DecodedInstruction): string {
  switch (slot) {
    case 'rd':
    case 'rs1':
    case 'rs2':
    case 'rs3':
      return `${format[slot]?.file}${fields[slot]}`;
    case 'upper':
      return String((fields.imm >>> 12) & 0xfffff);
    case 'zimm':
      return String(fields.rs1);
    case '(rs1)':
      return `(x${fields.rs1})`;
    case 'imm(rs1)':
      return `${fields.imm}(x${fields.rs1})`;
    default:
      return String(fields.imm);
  }
}
