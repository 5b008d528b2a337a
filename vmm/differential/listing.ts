/** Shows a program as addresses, bits and instructions, by the same table as the decoder. */

import { Decoder } from '../isa/decoder.js';
import { FORMATS, type Format, readImmediate, readRegisterField } from '../isa/format.js';
import { type Instruction, RV32IMAC, RV64GC, selectInstructions } from '../isa/instruction-table.js';
import { SLOT, slotGpa } from './image-layout.js';
import type { GeneratedProgram } from './program-generator.js';

const DECODERS = {
  32: new Decoder(selectInstructions(32, RV32IMAC)),
  64: new Decoder(selectInstructions(64, RV64GC)),
} as const;

/** The row of the instruction at byte `at`, which may lie at the very end of the bytes. */
export function rowAt(xlen: 32 | 64, view: DataView, at: number): Instruction | undefined {
  return DECODERS[xlen].find(wordAt(view, at));
}

function wordAt(view: DataView, at: number): number {
  const low = view.getUint16(at, true);
  return at + 4 <= view.byteLength ? low | (view.getUint16(at + 2, true) << 16) : low;
}

function operands(row: Instruction, word: number, gpa: number): string {
  const format: Format = FORMATS[row.format];
  const texts: string[] = [];
  for (const name of ['rd', 'rs1', 'rs2', 'rs3'] as const) {
    const field = format[name];
    if (field !== undefined) texts.push(`${field.file}${readRegisterField(field, word)}`);
  }
  if (format.imm !== undefined) {
    const imm = readImmediate(format.imm, word);
    const isTarget = format.syntax.includes('target');
    texts.push(
      isTarget
        ? `0x${(gpa + imm).toString(16)}`
        : row.format.startsWith('csr')
          ? `csr 0x${imm.toString(16)}`
          : `${imm}`,
    );
  }
  return texts.join(', ');
}

const ROW_OF_NOPS = 'c.nop ...';

/** One line an instruction, but one for a row of `c.nop`, as generated (before it changed itself); physical addresses. */
export function listProgram(program: GeneratedProgram): string[] {
  const view = new DataView(program.code.buffer);
  const base = slotGpa(program.xlen, program.slot) + SLOT.code;
  const lines: string[] = [];
  for (let at = 0; at < program.codeEnd; ) {
    const word = wordAt(view, at);
    const length = (word & 3) === 3 ? 4 : 2;
    const bits = (length === 4 ? word >>> 0 : word & 0xffff).toString(16).padStart(2 * length, '0');
    const row = DECODERS[program.xlen].find(word);
    const isNop = row?.name === 'c.nop' && at !== program.entry && at !== program.end;
    const isAnother = isNop && lines.at(-1)?.endsWith(ROW_OF_NOPS) === true;
    const name = row === undefined ? 'no instruction' : `${row.name} ${operands(row, word, base + at)}`;
    const text = isNop ? ROW_OF_NOPS : name;
    const mark = at === program.entry ? '>' : at === program.end ? '<' : ' ';
    if (!isAnother) lines.push(`${mark} ${(base + at).toString(16)}  ${bits.padEnd(8)}  ${text}`);
    at += length;
  }
  return lines;
}
