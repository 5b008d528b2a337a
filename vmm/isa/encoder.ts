/** From an instruction's operands as text to its bits. */

import { CSR } from './csr-numbers.js';
import { FORMATS, type Format, type RegisterField, RM_SHIFT, writeImmediate } from './format.js';
import type { Instruction } from './instruction-table.js';
import { floatRegisterNumber, registerNumber } from './registers.js';

/** Where an instruction stands, and what the names in its operands mean. */
export interface EncodingContext {
  readonly xlen: 32 | 64;
  readonly address: number;
  /** The number that an operand stands for which is no register. */
  readonly evaluate: (text: string) => number;
}

/** Names of the rounding modes by their numbers; 5 and 6 are reserved (Unprivileged specification 20191213, table 11.1). */
export const ROUNDING_MODES: Readonly<Record<string, number>> = { rne: 0, rtz: 1, rdn: 2, rup: 3, rmm: 4, dyn: 7 };

/** The bits of one instruction. Throws an `Error` that says which operand does not fit. */
export function encodeInstruction(
  instruction: Instruction,
  operands: readonly string[],
  context: EncodingContext,
): number {
  const format: Format = FORMATS[instruction.format];
  const slots = format.syntax === '' ? [] : format.syntax.split(',');
  const hasMode = format.rm !== undefined && operands.length === slots.length + 1;
  if (!hasMode && operands.length !== slots.length)
    throw new Error(`${instruction.name} takes ${slots.length} operands`);
  let word = instruction.match;
  for (const [i, slot] of slots.entries()) word |= encodeOperand(format, slot, operands[i], context);
  if (format.rm !== undefined) word |= (hasMode ? roundingMode(operands[slots.length]) : format.rm) << RM_SHIFT;
  return word >>> 0;
}

function roundingMode(text: string): number {
  if (!Object.hasOwn(ROUNDING_MODES, text)) throw new Error(`"${text}" is no rounding mode`);
  return ROUNDING_MODES[text];
}

function encodeOperand(format: Format, slot: string, text: string, context: EncodingContext): number {
  switch (slot) {
    case 'rd':
    case 'rs1':
    case 'rs2':
    case 'rs3':
      return encodeRegister(format[slot], text);
    case 'imm':
      return encodeImmediate(format, context.evaluate(text));
    case 'upper':
      return encodeImmediate(format, signExtendUpper(context.evaluate(text)) << 12);
    case 'target':
      return encodeImmediate(format, distance(context, text));
    case 'csr':
      return encodeImmediate(format, csrNumber(text, context));
    case 'zimm':
      return encodeNumber(format.rs1, context.evaluate(text));
    default: {
      const [, offset, base] = /^(.*)\((\w+)\)$/.exec(text) ?? [];
      if (base === undefined) throw new Error(`"${text}" is not of the form offset(register)`);
      const register = encodeRegister(format.rs1, base);
      return slot === '(rs1)' ? register : register | encodeImmediate(format, context.evaluate(offset || '0'));
    }
  }
}

/** Assembly writes the upper 20 bits unsigned or signed. */
const signExtendUpper = (value: number): number => (value << 12) >> 12;

/** How far the target is from the instruction; on RV32 the addresses wrap around. */
function distance({ xlen, address, evaluate }: EncodingContext, target: string): number {
  const bytes = evaluate(target) - address;
  return xlen === 32 ? bytes | 0 : bytes;
}

function encodeRegister(field: RegisterField | undefined, text: string): number {
  const name = text.toLowerCase();
  const isFloat = field?.file === 'f';
  const number = isFloat ? floatRegisterNumber(name) : registerNumber(name);
  if (number === undefined) throw new Error(`"${text}" is no ${isFloat ? 'floating-point ' : ''}register`);
  return encodeNumber(field, number);
}

function encodeNumber(field: RegisterField | undefined, number: number): number {
  if (field === undefined) throw new Error('the format lacks a register that its syntax names');
  const value = number - field.plus;
  if (value < 0 || value >= 1 << field.width) throw new Error(`register or number ${number} does not fit`);
  // An implied register may be written, as in `c.lwsp a0, 4(sp)`, but has no bits.
  return value << field.at;
}

function encodeImmediate(format: Format, value: number): number {
  const word = format.imm === undefined ? undefined : writeImmediate(format.imm, value);
  if (word === undefined) throw new Error(`immediate ${value} does not fit`);
  return word;
}

function csrNumber(text: string, context: EncodingContext): number {
  const known: Readonly<Record<string, number>> = CSR;
  if (Object.hasOwn(known, text)) return known[text];
  const indexed = /^(pmpcfg|pmpaddr)(\d+)$/.exec(text);
  if (indexed !== null) return CSR[indexed[1] === 'pmpcfg' ? 'pmpcfg0' : 'pmpaddr0'] + Number(indexed[2]);
  return context.evaluate(text);
}
