/** Turns a decoded instruction into the two words of its slot. */

import { OPERATION, SINK_SLOT, SLOT } from '../cpu/decoded-slot.js';
import type { DecodedInstruction } from '../isa/decoder.js';
import { FORMATS, type Format } from '../isa/format.js';
import { INSTRUCTIONS, type Instruction } from '../isa/instruction-table.js';
import { BRANCHES, semanticsOf } from './semantics/semantics.js';

/** What of an instruction's slot does not depend on its operands. */
interface Shape {
  readonly isFloatRd: boolean;
  readonly isFloatRs1: boolean;
  readonly isFloatRs2: boolean;
  readonly content: 'immediate' | 'float' | 'bits';
  /** Rounding modes that generated code has, as a set of bits. */
  readonly quickModes: number;
}

const ROUND_TO_NEAREST_OR_DYNAMIC = (1 << 0) | (1 << 7);
const ROUND_TOWARDS_ZERO = 1 << 1;
const ANY_MODE = 0xff;
const FLOAT_SLOT = 32;

const SHAPES: readonly (Shape | undefined)[] = shapes();

function shapes(): (Shape | undefined)[] {
  const table: (Shape | undefined)[] = [];
  for (const row of INSTRUCTIONS) if (row.length === 4) table[row.id] = shapeOf(row);
  return table;
}

function shapeOf(row: Instruction): Shape {
  const format: Format = FORMATS[row.format];
  const isFloat = row.extension === 'F' || row.extension === 'D';
  const hasImmediate = format.imm !== undefined;
  const isJump = row.name === 'jal' || row.name === 'jalr' || BRANCHES.has(row.name);
  const isPlain = semanticsOf(row.name, 64) !== undefined || isJump;
  return {
    isFloatRd: format.rd?.file === 'f',
    isFloatRs1: format.rs1?.file === 'f',
    isFloatRs2: format.rs2?.file === 'f',
    content: isFloat && !hasImmediate ? 'float' : isPlain || row.extension === 'A' || isFloat ? 'immediate' : 'bits',
    quickModes:
      !isFloat || format.rm === undefined
        ? ANY_MODE
        : isTruncation(row.name)
          ? ROUND_TOWARDS_ZERO
          : ROUND_TO_NEAREST_OR_DYNAMIC,
  };
}

/** Conversions to integers: generated code has the mode that C's casts use. */
function isTruncation(name: string): boolean {
  return /^fcvt\.(w|wu|l|lu)\./.test(name);
}

/** Whether generated code executes the instruction with its rounding mode. */
export function isQuick({ id, rm }: DecodedInstruction): boolean {
  return (((SHAPES[id]?.quickModes ?? 0) >>> rm) & 1) !== 0;
}

/** Fills `words[index]` and the word behind it. `bits` are the instruction's, in the low half when it is compressed. */
export function encodeSlot(decoded: DecodedInstruction, bits: number, words: Int32Array, index: number): void {
  const { id, length, rd, rs1, rs2, rs3, rm, imm } = decoded;
  const lengthBit = length === 4 ? 1 : 0;
  const shape = SHAPES[id];
  if (shape === undefined) {
    words[index] = OPERATION.illegal | (SINK_SLOT << SLOT.rdShift) | (lengthBit << SLOT.lengthShift);
    words[index + 1] = bits;
    return;
  }
  const rdSlot = shape.isFloatRd ? rd + FLOAT_SLOT : rd === 0 ? SINK_SLOT : rd;
  const operation = ((shape.quickModes >>> rm) & 1) === 0 ? id | OPERATION.slow : id;
  words[index] =
    operation |
    (rdSlot << SLOT.rdShift) |
    ((rs1 + (shape.isFloatRs1 ? FLOAT_SLOT : 0)) << SLOT.rs1Shift) |
    ((rs2 + (shape.isFloatRs2 ? FLOAT_SLOT : 0)) << SLOT.rs2Shift) |
    (lengthBit << SLOT.lengthShift);
  words[index + 1] =
    shape.content === 'immediate' ? imm : shape.content === 'bits' ? bits : rm | ((rs3 + FLOAT_SLOT) << 3);
}
