/** A small assembler, so that tests of the CPU need no toolchain; it reads the same instruction table as the decoder. */

import { type EncodingContext, encodeInstruction } from './encoder.js';
import { INSTRUCTIONS, type Instruction } from './instruction-table.js';
import { expandPseudo, parseInteger, type Statement } from './pseudo-instructions.js';

/** What `assemble` made. */
export interface Program {
  readonly origin: number;
  readonly bytes: Uint8Array;
  /** Addresses of the labels. */
  readonly symbols: ReadonlyMap<string, number>;
}

type Xlen = 32 | 64;

/** Data that takes `size` bytes for each of its values. */
const DATA: Readonly<Record<string, number>> = { '.byte': 1, '.half': 2, '.word': 4, '.dword': 8 };

const byName = (xlen: Xlen): ReadonlyMap<string, Instruction> =>
  new Map(INSTRUCTIONS.filter((row) => row.xlen === 0 || row.xlen === xlen).map((row) => [row.name, row]));

const BY_NAME: Readonly<Record<Xlen, ReadonlyMap<string, Instruction>>> = { 32: byName(32), 64: byName(64) };

interface Item {
  readonly address: number;
  readonly line: string;
  readonly statement: Statement;
}

/**
 * Assembles every instruction of the table that exists at this register width, with the usual shorthands. One statement a
 * line, `label:` before it, `#` begins a comment. Compressed instructions are written by their own names, a rounding mode
 * is an optional last operand. Directives: `.byte`, `.half`, `.word`, `.dword` (a list of values), `.space` (bytes),
 * `.align` (a power of two, in bits), `.org` (an address). Values: numbers, labels, a label plus or minus a number,
 * `%hi()`, `%lo()`, `%pcrel_hi()` and, in the very next instruction, `%pcrel_lo()` of the same label. `la` is of
 * absolute addresses on RV32 and relative to the pc on RV64, where `lui` would extend the sign. Addresses are below 2^53.
 * Throws an `Error` that quotes the line, because only tests write what it reads.
 */
export function assemble(text: string, origin = 0x8000_0000, xlen: Xlen = 32): Program {
  const symbols = new Map<string, number>();
  const items: Item[] = [];
  let address = origin;
  for (const line of text.split('\n')) {
    quoting(line, () => {
      for (const statement of parseLine(line, symbols, address, xlen)) {
        items.push({ address, line, statement });
        address += sizeOf(statement, address, xlen);
      }
    });
  }
  const bytes = new Uint8Array(address - origin);
  const view = new DataView(bytes.buffer);
  for (const item of items) {
    const context: EncodingContext = {
      xlen,
      address: item.address,
      evaluate: (operand) => evaluate(operand, symbols, item.address),
    };
    quoting(item.line, () => emit(item.statement, context, view, item.address - origin));
  }
  return { origin, bytes, symbols };
}

function quoting(line: string, action: () => void): void {
  try {
    action();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : cause;
    throw new Error(`Cannot assemble "${line.trim()}": ${reason}`, { cause });
  }
}

function parseLine(line: string, symbols: Map<string, number>, address: number, xlen: Xlen): readonly Statement[] {
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
  return expandPseudo([mnemonic.toLowerCase(), ...operands.filter((operand) => operand !== '')], xlen);
}

function sizeOf([mnemonic, ...operands]: Statement, address: number, xlen: Xlen): number {
  if (mnemonic === '.space') return Number(operands[0]);
  if (mnemonic === '.align') return -address & (2 ** Number(operands[0]) - 1);
  if (mnemonic === '.org') return Number(operands[0]) - address;
  if (Object.hasOwn(DATA, mnemonic)) return DATA[mnemonic] * operands.length;
  return findInstruction(mnemonic, xlen).length;
}

function findInstruction(mnemonic: string, xlen: Xlen): Instruction {
  const found = BY_NAME[xlen].get(mnemonic);
  if (found === undefined) throw new Error(`there is no instruction "${mnemonic}"`);
  return found;
}

function emit([mnemonic, ...operands]: Statement, context: EncodingContext, view: DataView, at: number): void {
  if (Object.hasOwn(DATA, mnemonic)) {
    const size = DATA[mnemonic];
    operands.forEach((operand, i) => {
      emitValue(operand, context, view, at + size * i, size);
    });
    return;
  }
  if (mnemonic.startsWith('.')) return;
  const instruction = findInstruction(mnemonic, context.xlen);
  const word = encodeInstruction(instruction, operands, context);
  if (instruction.length === 4) view.setUint32(at, word, true);
  else view.setUint16(at, word, true);
}

function emitValue(text: string, context: EncodingContext, view: DataView, at: number, size: number): void {
  if (size === 8) {
    // A number beyond 2^53 is only exact when it never was a `number`.
    const literal = parseInteger(text);
    view.setBigUint64(at, BigInt.asUintN(64, literal ?? BigInt(context.evaluate(text))), true);
    return;
  }
  const value = context.evaluate(text);
  for (let byte = 0; byte < size; byte++) view.setUint8(at + byte, value >>> (8 * byte));
}

/** A number, a label, a label plus or minus a number, or a part of one of them: `%hi`, `%lo`, `%pcrel_hi`, `%pcrel_lo`. */
function evaluate(text: string, symbols: ReadonlyMap<string, number>, address: number): number {
  const part = /^%(hi|lo|pcrel_hi|pcrel_lo)\((.+)\)$/.exec(text);
  if (part !== null) {
    const [, kind, of] = part;
    const target = evaluate(of, symbols, address);
    if (kind === 'hi') return upperPart(target);
    if (kind === 'lo') return lowerPart(target);
    return kind === 'pcrel_hi' ? upperPart(near(target - address)) : lowerPart(near(target - (address - 4)));
  }
  const [, sign, body, offset] = /^(-?)([\w$]+)\s*([+-]\s*\w+)?$/.exec(text) ?? [];
  const value = body === undefined ? undefined : (symbols.get(body) ?? Number(body));
  if (value === undefined || Number.isNaN(value)) throw new Error(`"${text}" has no value`);
  const moved = value + (offset === undefined ? 0 : signedNumber(offset));
  return sign === '-' ? -moved : moved;
}

const lowerPart = (value: number): number => (value << 20) >> 20;
const upperPart = (value: number): number => ((value - lowerPart(value)) >>> 12) & 0xfffff;

function near(bytes: number): number {
  const upper = bytes - lowerPart(bytes);
  if (upper !== (upper | 0)) throw new Error(`a distance of ${bytes} bytes does not fit`);
  return bytes;
}

function signedNumber(text: string): number {
  const magnitude = Number(text.slice(1).trim());
  return text.startsWith('-') ? -magnitude : magnitude;
}
