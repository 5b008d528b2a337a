/** The one description of every instruction: decoder, assembler and engines all read these rows. */

import type { FormatName } from './format.js';

export type Extension = 'I' | 'M' | 'A' | 'C' | 'Zicsr' | 'Zifencei' | 'Privileged';

/** Operands that must not be zero for the encoding to be valid. */
export type NonZero = 'rd' | 'rs1' | 'rs2' | 'imm';

/** An instruction of 32 bits, or a compressed one of 16 bits, which is an abbreviation of another row. */
export interface Instruction {
  /** What engines switch on: stable, dense, 1..191. A compressed row has the number of the row it expands to. */
  readonly id: number;
  readonly name: string;
  readonly extension: Extension;
  /** The register width it exists for; 0 means all. */
  readonly xlen: 0 | 32 | 64;
  readonly format: FormatName;
  /** The instruction's bits are `match` wherever `mask` has ones. */
  readonly match: number;
  readonly mask: number;
  readonly nonZero: readonly NonZero[];
  /** Bytes. */
  readonly length: 2 | 4;
}

type Row = readonly [id: number, name: string, format: FormatName, match: number, mask: number, xlen?: 32 | 64];

const rows = (extension: Extension, table: readonly Row[]): Instruction[] =>
  table.map(([id, name, format, match, mask, xlen]) => ({
    id,
    name,
    extension,
    xlen: xlen ?? 0,
    format,
    match: match | 0,
    mask: mask | 0,
    nonZero: [],
    length: 4,
  }));

/** Unprivileged specification 20191213, chapter 24. */
const FULL: readonly Instruction[] = [
  ...rows('I', [
    [1, 'lui', 'u', 0x37, 0x7f],
    [2, 'auipc', 'u', 0x17, 0x7f],
    [3, 'jal', 'j', 0x6f, 0x7f],
    [4, 'jalr', 'load', 0x67, 0x707f],
    [5, 'beq', 'b', 0x63, 0x707f],
    [6, 'bne', 'b', 0x1063, 0x707f],
    [7, 'blt', 'b', 0x4063, 0x707f],
    [8, 'bge', 'b', 0x5063, 0x707f],
    [9, 'bltu', 'b', 0x6063, 0x707f],
    [10, 'bgeu', 'b', 0x7063, 0x707f],
    [11, 'lb', 'load', 0x3, 0x707f],
    [12, 'lh', 'load', 0x1003, 0x707f],
    [13, 'lw', 'load', 0x2003, 0x707f],
    [14, 'lbu', 'load', 0x4003, 0x707f],
    [15, 'lhu', 'load', 0x5003, 0x707f],
    [16, 'sb', 's', 0x23, 0x707f],
    [17, 'sh', 's', 0x1023, 0x707f],
    [18, 'sw', 's', 0x2023, 0x707f],
    [19, 'addi', 'i', 0x13, 0x707f],
    [20, 'slti', 'i', 0x2013, 0x707f],
    [21, 'sltiu', 'i', 0x3013, 0x707f],
    [22, 'xori', 'i', 0x4013, 0x707f],
    [23, 'ori', 'i', 0x6013, 0x707f],
    [24, 'andi', 'i', 0x7013, 0x707f],
    [25, 'slli', 'shift', 0x1013, 0xfe00707f, 32],
    [26, 'srli', 'shift', 0x5013, 0xfe00707f, 32],
    [27, 'srai', 'shift', 0x40005013, 0xfe00707f, 32],
    [28, 'add', 'r', 0x33, 0xfe00707f],
    [29, 'sub', 'r', 0x40000033, 0xfe00707f],
    [30, 'sll', 'r', 0x1033, 0xfe00707f],
    [31, 'slt', 'r', 0x2033, 0xfe00707f],
    [32, 'sltu', 'r', 0x3033, 0xfe00707f],
    [33, 'xor', 'r', 0x4033, 0xfe00707f],
    [34, 'srl', 'r', 0x5033, 0xfe00707f],
    [35, 'sra', 'r', 0x40005033, 0xfe00707f],
    [36, 'or', 'r', 0x6033, 0xfe00707f],
    [37, 'and', 'r', 0x7033, 0xfe00707f],
    [46, 'fence', 'none', 0xf, 0x707f],
    [48, 'ecall', 'none', 0x73, 0xffffffff],
    [49, 'ebreak', 'none', 0x100073, 0xffffffff],
  ]),
  ...rows('M', [
    [38, 'mul', 'r', 0x2000033, 0xfe00707f],
    [39, 'mulh', 'r', 0x2001033, 0xfe00707f],
    [40, 'mulhsu', 'r', 0x2002033, 0xfe00707f],
    [41, 'mulhu', 'r', 0x2003033, 0xfe00707f],
    [42, 'div', 'r', 0x2004033, 0xfe00707f],
    [43, 'divu', 'r', 0x2005033, 0xfe00707f],
    [44, 'rem', 'r', 0x2006033, 0xfe00707f],
    [45, 'remu', 'r', 0x2007033, 0xfe00707f],
  ]),
  ...rows('Zifencei', [[47, 'fence.i', 'none', 0x100f, 0x707f]]),
  ...rows('Privileged', [
    [50, 'mret', 'none', 0x30200073, 0xffffffff],
    [51, 'wfi', 'none', 0x10500073, 0xffffffff],
  ]),
  ...rows('Zicsr', [
    [52, 'csrrw', 'csr', 0x1073, 0x707f],
    [53, 'csrrs', 'csr', 0x2073, 0x707f],
    [54, 'csrrc', 'csr', 0x3073, 0x707f],
    [55, 'csrrwi', 'csri', 0x5073, 0x707f],
    [56, 'csrrsi', 'csri', 0x6073, 0x707f],
    [57, 'csrrci', 'csri', 0x7073, 0x707f],
  ]),
  ...rows('A', [
    [58, 'lr.w', 'lr', 0x1000202f, 0xf9f0707f],
    [59, 'sc.w', 'amo', 0x1800202f, 0xf800707f],
    [60, 'amoswap.w', 'amo', 0x800202f, 0xf800707f],
    [61, 'amoadd.w', 'amo', 0x202f, 0xf800707f],
    [62, 'amoxor.w', 'amo', 0x2000202f, 0xf800707f],
    [63, 'amoand.w', 'amo', 0x6000202f, 0xf800707f],
    [64, 'amoor.w', 'amo', 0x4000202f, 0xf800707f],
    [65, 'amomin.w', 'amo', 0x8000202f, 0xf800707f],
    [66, 'amomax.w', 'amo', 0xa000202f, 0xf800707f],
    [67, 'amominu.w', 'amo', 0xc000202f, 0xf800707f],
    [68, 'amomaxu.w', 'amo', 0xe000202f, 0xf800707f],
  ]),
];

type CompressedRow = readonly [
  name: string,
  expandsTo: string,
  format: FormatName,
  match: number,
  mask: number,
  nonZero?: readonly NonZero[],
  xlen?: 32 | 64,
];

/** Unprivileged specification 20191213, section 16.8. Where two rows could match, the earlier one wins. */
const COMPRESSED: readonly CompressedRow[] = [
  ['c.addi4spn', 'addi', 'cAddi4spn', 0x0000, 0xe003, ['imm']],
  ['c.lw', 'lw', 'cLoad', 0x4000, 0xe003],
  ['c.sw', 'sw', 'cStore', 0xc000, 0xe003],
  ['c.nop', 'addi', 'none', 0x0001, 0xffff],
  ['c.addi', 'addi', 'cAddi', 0x0001, 0xe003],
  ['c.jal', 'jal', 'cJal', 0x2001, 0xe003, [], 32],
  ['c.li', 'addi', 'cLi', 0x4001, 0xe003],
  ['c.addi16sp', 'addi', 'cAddi16sp', 0x6101, 0xef83, ['imm']],
  ['c.lui', 'lui', 'cLui', 0x6001, 0xe003, ['imm']],
  ['c.srli', 'srli', 'cShift', 0x8001, 0xfc03, [], 32],
  ['c.srai', 'srai', 'cShift', 0x8401, 0xfc03, [], 32],
  ['c.andi', 'andi', 'cAndi', 0x8801, 0xec03],
  ['c.sub', 'sub', 'cArithmetic', 0x8c01, 0xfc63],
  ['c.xor', 'xor', 'cArithmetic', 0x8c21, 0xfc63],
  ['c.or', 'or', 'cArithmetic', 0x8c41, 0xfc63],
  ['c.and', 'and', 'cArithmetic', 0x8c61, 0xfc63],
  ['c.j', 'jal', 'cJ', 0xa001, 0xe003],
  ['c.beqz', 'beq', 'cBranch', 0xc001, 0xe003],
  ['c.bnez', 'bne', 'cBranch', 0xe001, 0xe003],
  ['c.slli', 'slli', 'cSlli', 0x0002, 0xf003, [], 32],
  ['c.lwsp', 'lw', 'cLwsp', 0x4002, 0xe003, ['rd']],
  ['c.jr', 'jalr', 'cJr', 0x8002, 0xf07f, ['rs1']],
  ['c.mv', 'add', 'cMv', 0x8002, 0xf003, ['rs2']],
  ['c.ebreak', 'ebreak', 'none', 0x9002, 0xffff],
  ['c.jalr', 'jalr', 'cJalr', 0x9002, 0xf07f, ['rs1']],
  ['c.add', 'add', 'cAdd', 0x9002, 0xf003, ['rs2']],
  ['c.swsp', 'sw', 'cSwsp', 0xc002, 0xe003],
];

function expand(full: readonly Instruction[], row: CompressedRow): Instruction {
  const [name, expandsTo, format, match, mask, nonZero = [], xlen = 0] = row;
  const target = full.find((instruction) => instruction.name === expandsTo);
  if (target === undefined) throw new Error(`${name} expands to ${expandsTo}, which has no row`);
  return { id: target.id, name, extension: 'C', xlen, format, match, mask, nonZero, length: 2 };
}

/** Every instruction, 32-bit rows first. */
export const INSTRUCTIONS: readonly Instruction[] = [...FULL, ...COMPRESSED.map((row) => expand(FULL, row))];

/** The rows a hart of this width and these extensions has. */
export function selectInstructions(xlen: 32 | 64, extensions: ReadonlySet<Extension>): readonly Instruction[] {
  return INSTRUCTIONS.filter((row) => (row.xlen === 0 || row.xlen === xlen) && extensions.has(row.extension));
}

/** What the interpreter implements: RV32IMAC, Zicsr, Zifencei, M and U mode. */
export const RV32IMAC: ReadonlySet<Extension> = new Set(['I', 'M', 'A', 'C', 'Zicsr', 'Zifencei', 'Privileged']);
