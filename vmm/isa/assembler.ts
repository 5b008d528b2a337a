/** A small assembler, so that tests of the CPU need no toolchain; it reads the same instruction table as the decoder. */

import { CSR } from './csr-numbers.js';
import { FORMATS, type Format, type RegisterField, writeImmediate } from './format.js';
import { INSTRUCTIONS, type Instruction } from './instruction-table.js';
import { expandPseudo, type Statement } from './pseudo-instructions.js';
import { registerNumber } from './registers.js';

/** What `assemble` made. */
export interface Program {
  readonly origin: number;
  readonly bytes: Uint8Array;
  /** Addresses of the labels. */
  readonly symbols: ReadonlyMap<string, number>;
}

/** Data that takes `size` bytes for each of its values. */
const DATA: Readonly<Record<string, number>> = { '.byte': 1, '.half': 2, '.word': 4 };

interface Item {
  readonly address: number;
  readonly line: string;
  readonly statement: Statement;
}

/**
 * Assembles RV32IMAC with the usual shorthands. One statement a line, `label:` before it, `#` begins a comment.
 * Compressed instructions are written by their own names. Directives: `.byte`, `.half`, `.word` (a list of values),
 * `.space` (bytes), `.align` (a power of two, in bits), `.org` (an address). Values: numbers, labels, `%hi()`, `%lo()`.
 * Throws an `Error` that quotes the line, because only tests write what it reads.
 */
export function assemble(text: string, origin = 0x8000_0000): Program {
  const symbols = new Map<string, number>();
  const items: Item[] = [];
  let address = origin;
  for (const line of text.split('\n')) {
    for (const statement of parseLine(line, symbols, address)) {
      items.push({ address, line, statement });
      address += sizeOf(statement, address);
    }
  }
  const bytes = new Uint8Array(address - origin);
  const view = new DataView(bytes.buffer);
  for (const item of items) {
    try {
      emit(item, symbols, view, item.address - origin);
    } catch (cause) {
      throw new Error(`Cannot assemble "${item.line.trim()}": ${cause instanceof Error ? cause.message : cause}`, {
        cause,
      });
    }
  }
  return { origin, bytes, symbols };
}

function parseLine(line: string, symbols: Map<string, number>, address: number): readonly Statement[] {
  let rest = line.replace(/#.*$/, '').trim();
  for (let match = /^([\w$]+):\s*/.exec(rest); match !== null; match = /^([\w$]+):\s*/.exec(rest)) {
    symbols.set(match[1], address);
    rest = rest.slice(match[0].length);
  }
  if (rest === '') return [];
  const [mnemonic, ...others] = rest.split(/\s+/);
  const operands = others
    .join(' ')
    .split(',')
    .map((operand) => operand.trim());
  return expandPseudo([mnemonic.toLowerCase(), ...operands.filter((operand) => operand !== '')]);
}

function sizeOf([mnemonic, ...operands]: Statement, address: number): number {
  if (mnemonic === '.space') return Number(operands[0]);
  if (mnemonic === '.align') return -address & (2 ** Number(operands[0]) - 1);
  if (mnemonic === '.org') return Number(operands[0]) - address;
  if (Object.hasOwn(DATA, mnemonic)) return DATA[mnemonic] * operands.length;
  return findInstruction(mnemonic).length;
}

function findInstruction(mnemonic: string): Instruction {
  const found = INSTRUCTIONS.find((row) => row.name === mnemonic && row.xlen !== 64);
  if (found === undefined) throw new Error(`there is no instruction "${mnemonic}"`);
  return found;
}

function emit({ address, statement }: Item, symbols: ReadonlyMap<string, number>, view: DataView, at: number): void {
  const [mnemonic, ...operands] = statement;
  if (Object.hasOwn(DATA, mnemonic)) {
    const size = DATA[mnemonic];
    operands.forEach((operand, i) => {
      const value = evaluate(operand, symbols);
      for (let byte = 0; byte < size; byte++) view.setUint8(at + size * i + byte, value >>> (8 * byte));
    });
    return;
  }
  if (mnemonic.startsWith('.')) return;
  const instruction = findInstruction(mnemonic);
  const word = encodeInstruction(instruction, operands, (text) => evaluate(text, symbols), address);
  if (instruction.length === 4) view.setUint32(at, word, true);
  else view.setUint16(at, word, true);
}

/** The bits of one instruction at `address`; `evaluateText` turns an operand that is no register into a number. */
export function encodeInstruction(
  instruction: Instruction,
  operands: readonly string[],
  evaluateText: (text: string) => number,
  address: number,
): number {
  const format: Format = FORMATS[instruction.format];
  const slots = format.syntax === '' ? [] : format.syntax.split(',');
  if (operands.length !== slots.length) throw new Error(`${instruction.name} takes ${slots.length} operands`);
  let word = instruction.match;
  for (const [i, slot] of slots.entries()) {
    word |= encodeOperand(format, slot, operands[i], evaluateText, address);
  }
  return word >>> 0;
}

function encodeOperand(
  format: Format,
  slot: string,
  text: string,
  evaluateText: (text: string) => number,
  address: number,
): number {
  switch (slot) {
    case 'rd':
    case 'rs1':
    case 'rs2':
      return encodeRegister(format[slot], text);
    case 'imm':
      return encodeImmediate(format, evaluateText(text));
    case 'upper':
      return encodeImmediate(format, signExtendUpper(evaluateText(text)) << 12);
    case 'target':
      return encodeImmediate(format, (evaluateText(text) - address) | 0);
    case 'csr':
      return encodeImmediate(format, csrNumber(text));
    case 'zimm':
      return encodeNumber(format.rs1, evaluateText(text));
    default: {
      const [, offset, base] = /^(.*)\((\w+)\)$/.exec(text) ?? [];
      if (base === undefined) throw new Error(`"${text}" is not of the form offset(register)`);
      const register = encodeRegister(format.rs1, base);
      return slot === '(rs1)' ? register : register | encodeImmediate(format, evaluateText(offset || '0'));
    }
  }
}

/** Assembly writes the upper 20 bits unsigned or signed. */
const signExtendUpper = (value: number): number => (value << 12) >> 12;

function encodeRegister(field: RegisterField | undefined, name: string): number {
  const number = registerNumber(name.toLowerCase());
  if (number === undefined) throw new Error(`"${name}" is no register`);
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

function csrNumber(text: string): number {
  const known: Readonly<Record<string, number>> = CSR;
  if (Object.hasOwn(known, text)) return known[text];
  const indexed = /^(pmpcfg|pmpaddr)(\d+)$/.exec(text);
  if (indexed !== null) return CSR[indexed[1] === 'pmpcfg' ? 'pmpcfg0' : 'pmpaddr0'] + Number(indexed[2]);
  return evaluate(text, new Map());
}

/** A number, a label, a label plus or minus a number, or `%hi` or `%lo` of one of them. */
function evaluate(text: string, symbols: ReadonlyMap<string, number>): number {
  const part = /^%(hi|lo)\((.+)\)$/.exec(text);
  if (part !== null) {
    const whole = evaluate(part[2], symbols);
    const low = (whole << 20) >> 20;
    return part[1] === 'lo' ? low : ((whole - low) >>> 12) & 0xfffff;
  }
  const [, sign, body, offset] = /^(-?)([\w$]+)\s*([+-]\s*\w+)?$/.exec(text) ?? [];
  const value = body === undefined ? undefined : (symbols.get(body) ?? Number(body));
  if (value === undefined || Number.isNaN(value)) throw new Error(`"${text}" has no value`);
  const moved = value + (offset === undefined ? 0 : signedNumber(offset));
  return sign === '-' ? -moved : moved;
}

function signedNumber(text: string): number {
  const magnitude = Number(text.slice(1).trim());
  return text.startsWith('-') ? -magnitude : magnitude;
}
