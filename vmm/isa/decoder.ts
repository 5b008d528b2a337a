/** Instruction decoding by the instruction table. */

import { FORMATS, type Format, RM_SHIFT, readImmediate, readRegisterField } from './format.js';
import type { Instruction } from './instruction-table.js';

/** One decoded instruction; the caller owns it and the decoder fills it. Operands the format lacks are 0. */
export interface DecodedInstruction {
  /** `Instruction.id`; 0 when the bits are no instruction of this hart. */
  id: number;
  /** Bytes: 2 or 4. */
  length: number;
  /** Numbers 0..31; whether one is an x or an f register follows from the instruction (`RegisterField.file`). */
  rd: number;
  rs1: number;
  rs2: number;
  rs3: number;
  /**
   * The rounding mode of an instruction that has one, 0..7. The decoder rejects none: it is the engine that raises an
   * illegal-instruction exception for the reserved modes 5 and 6, and for 7 when `frm` holds a reserved mode.
   */
  rm: number;
  /** Signed 32-bit immediate, or the CSR's number. */
  imm: number;
}

/** A `DecodedInstruction` to decode into. */
export function createDecodedInstruction(): DecodedInstruction {
  return { id: 0, length: 0, rd: 0, rs1: 0, rs2: 0, rs3: 0, rm: 0, imm: 0 };
}

/** Whether the halfword begins an instruction of 32 bits. */
export function isLongInstruction(halfword: number): boolean {
  return (halfword & 3) === 3;
}

/** Bits 6:2 and funct3 of a 32-bit instruction, or quadrant and funct3 of a compressed one: what a bucket is found by. */
const longBucket = (word: number): number => ((word >>> 2) & 0x1f) | ((word >>> 7) & 0xe0);
const compressedBucket = (word: number): number => (word & 3) | ((word >>> 11) & 0x1c);

function fillBuckets(rows: readonly Instruction[], count: number, bucketOf: (word: number) => number): Instruction[][] {
  return Array.from({ length: count }, (_, bucket) =>
    rows.filter((row) => (bucket & bucketOf(row.mask)) === bucketOf(row.match)),
  );
}

/** Decoder of one hart's instruction set; immutable, shared by all who need it. */
export class Decoder {
  readonly #long: Instruction[][];
  readonly #compressed: Instruction[][];

  constructor(instructions: readonly Instruction[]) {
    const ofLength = (length: 2 | 4) => instructions.filter((row) => row.length === length);
    this.#long = fillBuckets(ofLength(4), 0x100, longBucket);
    this.#compressed = fillBuckets(ofLength(2), 0x20, compressedBucket);
  }

  /** The row that `word` (its low 16 bits, when they are a compressed instruction) belongs to. */
  find(word: number): Instruction | undefined {
    const isLong = isLongInstruction(word);
    const bits = isLong ? word | 0 : word & 0xffff;
    const bucket = isLong ? this.#long[longBucket(bits)] : this.#compressed[compressedBucket(bits)];
    return bucket?.find((row) => (bits & row.mask) === row.match && hasNonZeroOperands(row, bits));
  }

  /** Fills `into` with the instruction that `word` begins with. Any 32 bits are allowed. */
  decode(word: number, into: DecodedInstruction): void {
    into.length = isLongInstruction(word) ? 4 : 2;
    into.id = into.rd = into.rs1 = into.rs2 = into.rs3 = into.rm = into.imm = 0;
    const row = this.find(word);
    if (row === undefined) return;
    const format: Format = FORMATS[row.format];
    into.id = row.id;
    if (format.rd !== undefined) into.rd = readRegisterField(format.rd, word);
    if (format.rs1 !== undefined) into.rs1 = readRegisterField(format.rs1, word);
    if (format.rs2 !== undefined) into.rs2 = readRegisterField(format.rs2, word);
    if (format.rs3 !== undefined) into.rs3 = readRegisterField(format.rs3, word);
    if (format.rm !== undefined) into.rm = (word >>> RM_SHIFT) & 7;
    if (format.imm !== undefined) into.imm = readImmediate(format.imm, word);
  }
}

function hasNonZeroOperands(row: Instruction, word: number): boolean {
  const format: Format = FORMATS[row.format];
  for (const operand of row.nonZero) {
    const field = format[operand];
    if (field === undefined) continue;
    const value = 'pieces' in field ? readImmediate(field, word) : readRegisterField(field, word);
    if (value === 0) return false;
  }
  return true;
}
