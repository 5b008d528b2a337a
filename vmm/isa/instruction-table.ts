/** The one description of every instruction: decoder, assembler and engines all read these rows. */

import type { FormatName } from './format.js';

/** `Privileged` is M mode and `wfi`, `S` what supervisor mode adds, `Zcd` the compressed loads and stores of D. */
export type Extension =
  | 'I'
  | 'M'
  | 'A'
  | 'F'
  | 'D'
  | 'C'
  | 'Zcd'
  | 'Zicsr'
  | 'Zifencei'
  | 'Zba'
  | 'Zbb'
  | 'Privileged'
  | 'S';

/** Operands that must not be zero for the encoding to be valid. */
export type NonZero = 'rd' | 'rs1' | 'rs2' | 'imm';

/** An instruction of 32 bits, or a compressed one of 16 bits, which is an abbreviation of another row. */
export interface Instruction {
  /**
   * What engines switch on: stable, dense, 1..192, and in any case below 320. A compressed row has the number of the row
   * it expands to. An instruction that does the same at the width of the registers has one number, also where RV32 and
   * RV64 encode it differently (`slli`, `zext.h`): it then has a row for each width.
   */
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

/** Unprivileged specification 20191213, chapter 24; Bit-manipulation 1.0.0, chapter 2; Privileged specification 1.12, chapter 5. */
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
    [25, 'slli', 'shift64', 0x1013, 0xfc00707f, 64],
    [26, 'srli', 'shift', 0x5013, 0xfe00707f, 32],
    [26, 'srli', 'shift64', 0x5013, 0xfc00707f, 64],
    [27, 'srai', 'shift', 0x40005013, 0xfe00707f, 32],
    [27, 'srai', 'shift64', 0x40005013, 0xfc00707f, 64],
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
  ...rows('I', [
    [69, 'lwu', 'load', 0x6003, 0x707f, 64],
    [70, 'ld', 'load', 0x3003, 0x707f, 64],
    [71, 'sd', 's', 0x3023, 0x707f, 64],
    [72, 'addiw', 'i', 0x1b, 0x707f, 64],
    [73, 'slliw', 'shift', 0x101b, 0xfe00707f, 64],
    [74, 'srliw', 'shift', 0x501b, 0xfe00707f, 64],
    [75, 'sraiw', 'shift', 0x4000501b, 0xfe00707f, 64],
    [76, 'addw', 'r', 0x3b, 0xfe00707f, 64],
    [77, 'subw', 'r', 0x4000003b, 0xfe00707f, 64],
    [78, 'sllw', 'r', 0x103b, 0xfe00707f, 64],
    [79, 'srlw', 'r', 0x503b, 0xfe00707f, 64],
    [80, 'sraw', 'r', 0x4000503b, 0xfe00707f, 64],
  ]),
  ...rows('M', [
    [81, 'mulw', 'r', 0x200003b, 0xfe00707f, 64],
    [82, 'divw', 'r', 0x200403b, 0xfe00707f, 64],
    [83, 'divuw', 'r', 0x200503b, 0xfe00707f, 64],
    [84, 'remw', 'r', 0x200603b, 0xfe00707f, 64],
    [85, 'remuw', 'r', 0x200703b, 0xfe00707f, 64],
  ]),
  ...rows('A', [
    [86, 'lr.d', 'lr', 0x1000302f, 0xf9f0707f, 64],
    [87, 'sc.d', 'amo', 0x1800302f, 0xf800707f, 64],
    [88, 'amoswap.d', 'amo', 0x800302f, 0xf800707f, 64],
    [89, 'amoadd.d', 'amo', 0x302f, 0xf800707f, 64],
    [90, 'amoxor.d', 'amo', 0x2000302f, 0xf800707f, 64],
    [91, 'amoand.d', 'amo', 0x6000302f, 0xf800707f, 64],
    [92, 'amoor.d', 'amo', 0x4000302f, 0xf800707f, 64],
    [93, 'amomin.d', 'amo', 0x8000302f, 0xf800707f, 64],
    [94, 'amomax.d', 'amo', 0xa000302f, 0xf800707f, 64],
    [95, 'amominu.d', 'amo', 0xc000302f, 0xf800707f, 64],
    [96, 'amomaxu.d', 'amo', 0xe000302f, 0xf800707f, 64],
  ]),
  ...rows('S', [
    [97, 'sret', 'none', 0x10200073, 0xffffffff],
    [98, 'sfence.vma', 'sfence', 0x12000073, 0xfe007fff],
  ]),
  ...rows('Zba', [
    [99, 'sh1add', 'r', 0x20002033, 0xfe00707f],
    [100, 'sh2add', 'r', 0x20004033, 0xfe00707f],
    [101, 'sh3add', 'r', 0x20006033, 0xfe00707f],
    [102, 'add.uw', 'r', 0x800003b, 0xfe00707f, 64],
    [103, 'sh1add.uw', 'r', 0x2000203b, 0xfe00707f, 64],
    [104, 'sh2add.uw', 'r', 0x2000403b, 0xfe00707f, 64],
    [105, 'sh3add.uw', 'r', 0x2000603b, 0xfe00707f, 64],
    [106, 'slli.uw', 'shift64', 0x800101b, 0xfc00707f, 64],
  ]),
  ...rows('Zbb', [
    [107, 'andn', 'r', 0x40007033, 0xfe00707f],
    [108, 'orn', 'r', 0x40006033, 0xfe00707f],
    [109, 'xnor', 'r', 0x40004033, 0xfe00707f],
    [110, 'clz', 'unary', 0x60001013, 0xfff0707f],
    [111, 'ctz', 'unary', 0x60101013, 0xfff0707f],
    [112, 'cpop', 'unary', 0x60201013, 0xfff0707f],
    [113, 'max', 'r', 0xa006033, 0xfe00707f],
    [114, 'maxu', 'r', 0xa007033, 0xfe00707f],
    [115, 'min', 'r', 0xa004033, 0xfe00707f],
    [116, 'minu', 'r', 0xa005033, 0xfe00707f],
    [117, 'sext.b', 'unary', 0x60401013, 0xfff0707f],
    [118, 'sext.h', 'unary', 0x60501013, 0xfff0707f],
    [119, 'zext.h', 'unary', 0x8004033, 0xfff0707f, 32],
    [119, 'zext.h', 'unary', 0x800403b, 0xfff0707f, 64],
    [120, 'rol', 'r', 0x60001033, 0xfe00707f],
    [121, 'ror', 'r', 0x60005033, 0xfe00707f],
    [122, 'rori', 'shift', 0x60005013, 0xfe00707f, 32],
    [122, 'rori', 'shift64', 0x60005013, 0xfc00707f, 64],
    [123, 'orc.b', 'unary', 0x28705013, 0xfff0707f],
    [124, 'rev8', 'unary', 0x69805013, 0xfff0707f, 32],
    [124, 'rev8', 'unary', 0x6b805013, 0xfff0707f, 64],
    [125, 'clzw', 'unary', 0x6000101b, 0xfff0707f, 64],
    [126, 'ctzw', 'unary', 0x6010101b, 0xfff0707f, 64],
    [127, 'cpopw', 'unary', 0x6020101b, 0xfff0707f, 64],
    [128, 'rolw', 'r', 0x6000103b, 0xfe00707f, 64],
    [129, 'rorw', 'r', 0x6000503b, 0xfe00707f, 64],
    [130, 'roriw', 'shift', 0x6000501b, 0xfe00707f, 64],
  ]),
  ...rows('F', [
    [131, 'flw', 'fLoad', 0x2007, 0x707f],
    [132, 'fsw', 'fStore', 0x2027, 0x707f],
    [133, 'fmadd.s', 'fFused', 0x43, 0x600007f],
    [134, 'fmsub.s', 'fFused', 0x47, 0x600007f],
    [135, 'fnmsub.s', 'fFused', 0x4b, 0x600007f],
    [136, 'fnmadd.s', 'fFused', 0x4f, 0x600007f],
    [137, 'fadd.s', 'fArithmetic', 0x53, 0xfe00007f],
    [138, 'fsub.s', 'fArithmetic', 0x8000053, 0xfe00007f],
    [139, 'fmul.s', 'fArithmetic', 0x10000053, 0xfe00007f],
    [140, 'fdiv.s', 'fArithmetic', 0x18000053, 0xfe00007f],
    [141, 'fsqrt.s', 'fUnary', 0x58000053, 0xfff0007f],
    [142, 'fsgnj.s', 'fSelect', 0x20000053, 0xfe00707f],
    [143, 'fsgnjn.s', 'fSelect', 0x20001053, 0xfe00707f],
    [144, 'fsgnjx.s', 'fSelect', 0x20002053, 0xfe00707f],
    [145, 'fmin.s', 'fSelect', 0x28000053, 0xfe00707f],
    [146, 'fmax.s', 'fSelect', 0x28001053, 0xfe00707f],
    [147, 'fcvt.w.s', 'fToX', 0xc0000053, 0xfff0007f],
    [148, 'fcvt.wu.s', 'fToX', 0xc0100053, 0xfff0007f],
    [149, 'fmv.x.w', 'fMoveToX', 0xe0000053, 0xfff0707f],
    [150, 'feq.s', 'fCompare', 0xa0002053, 0xfe00707f],
    [151, 'flt.s', 'fCompare', 0xa0001053, 0xfe00707f],
    [152, 'fle.s', 'fCompare', 0xa0000053, 0xfe00707f],
    [153, 'fclass.s', 'fMoveToX', 0xe0001053, 0xfff0707f],
    [154, 'fcvt.s.w', 'fFromX', 0xd0000053, 0xfff0007f],
    [155, 'fcvt.s.wu', 'fFromX', 0xd0100053, 0xfff0007f],
    [156, 'fmv.w.x', 'fMoveFromX', 0xf0000053, 0xfff0707f],
    [157, 'fcvt.l.s', 'fToX', 0xc0200053, 0xfff0007f, 64],
    [158, 'fcvt.lu.s', 'fToX', 0xc0300053, 0xfff0007f, 64],
    [159, 'fcvt.s.l', 'fFromX', 0xd0200053, 0xfff0007f, 64],
    [160, 'fcvt.s.lu', 'fFromX', 0xd0300053, 0xfff0007f, 64],
  ]),
  // A row of D has the number of its twin in F plus 30.
  ...rows('D', [
    [161, 'fld', 'fLoad', 0x3007, 0x707f],
    [162, 'fsd', 'fStore', 0x3027, 0x707f],
    [163, 'fmadd.d', 'fFused', 0x2000043, 0x600007f],
    [164, 'fmsub.d', 'fFused', 0x2000047, 0x600007f],
    [165, 'fnmsub.d', 'fFused', 0x200004b, 0x600007f],
    [166, 'fnmadd.d', 'fFused', 0x200004f, 0x600007f],
    [167, 'fadd.d', 'fArithmetic', 0x2000053, 0xfe00007f],
    [168, 'fsub.d', 'fArithmetic', 0xa000053, 0xfe00007f],
    [169, 'fmul.d', 'fArithmetic', 0x12000053, 0xfe00007f],
    [170, 'fdiv.d', 'fArithmetic', 0x1a000053, 0xfe00007f],
    [171, 'fsqrt.d', 'fUnary', 0x5a000053, 0xfff0007f],
    [172, 'fsgnj.d', 'fSelect', 0x22000053, 0xfe00707f],
    [173, 'fsgnjn.d', 'fSelect', 0x22001053, 0xfe00707f],
    [174, 'fsgnjx.d', 'fSelect', 0x22002053, 0xfe00707f],
    [175, 'fmin.d', 'fSelect', 0x2a000053, 0xfe00707f],
    [176, 'fmax.d', 'fSelect', 0x2a001053, 0xfe00707f],
    [177, 'fcvt.w.d', 'fToX', 0xc2000053, 0xfff0007f],
    [178, 'fcvt.wu.d', 'fToX', 0xc2100053, 0xfff0007f],
    [179, 'fmv.x.d', 'fMoveToX', 0xe2000053, 0xfff0707f, 64],
    [180, 'feq.d', 'fCompare', 0xa2002053, 0xfe00707f],
    [181, 'flt.d', 'fCompare', 0xa2001053, 0xfe00707f],
    [182, 'fle.d', 'fCompare', 0xa2000053, 0xfe00707f],
    [183, 'fclass.d', 'fMoveToX', 0xe2001053, 0xfff0707f],
    [184, 'fcvt.d.w', 'fFromXExact', 0xd2000053, 0xfff0007f],
    [185, 'fcvt.d.wu', 'fFromXExact', 0xd2100053, 0xfff0007f],
    [186, 'fmv.d.x', 'fMoveFromX', 0xf2000053, 0xfff0707f, 64],
    [187, 'fcvt.l.d', 'fToX', 0xc2200053, 0xfff0007f, 64],
    [188, 'fcvt.lu.d', 'fToX', 0xc2300053, 0xfff0007f, 64],
    [189, 'fcvt.d.l', 'fFromX', 0xd2200053, 0xfff0007f, 64],
    [190, 'fcvt.d.lu', 'fFromX', 0xd2300053, 0xfff0007f, 64],
    [191, 'fcvt.s.d', 'fUnary', 0x40100053, 0xfff0007f],
    [192, 'fcvt.d.s', 'fUnaryExact', 0x42000053, 0xfff0007f],
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
  extension?: Extension,
];

/** Unprivileged specification 20191213, section 16.8. Where two rows could match, the earlier one wins. */
const COMPRESSED: readonly CompressedRow[] = [
  ['c.addi4spn', 'addi', 'cAddi4spn', 0x0000, 0xe003, ['imm']],
  ['c.lw', 'lw', 'cLoad', 0x4000, 0xe003],
  ['c.sw', 'sw', 'cStore', 0xc000, 0xe003],
  ['c.ld', 'ld', 'cLd', 0x6000, 0xe003, [], 64],
  ['c.sd', 'sd', 'cSd', 0xe000, 0xe003, [], 64],
  ['c.fld', 'fld', 'cFld', 0x2000, 0xe003, [], 64, 'Zcd'],
  ['c.fsd', 'fsd', 'cFsd', 0xa000, 0xe003, [], 64, 'Zcd'],
  ['c.nop', 'addi', 'none', 0x0001, 0xffff],
  ['c.addi', 'addi', 'cAddi', 0x0001, 0xe003],
  ['c.jal', 'jal', 'cJal', 0x2001, 0xe003, [], 32],
  ['c.addiw', 'addiw', 'cAddi', 0x2001, 0xe003, ['rd'], 64],
  ['c.li', 'addi', 'cLi', 0x4001, 0xe003],
  ['c.addi16sp', 'addi', 'cAddi16sp', 0x6101, 0xef83, ['imm']],
  ['c.lui', 'lui', 'cLui', 0x6001, 0xe003, ['imm']],
  ['c.srli', 'srli', 'cShift', 0x8001, 0xfc03, [], 32],
  ['c.srli', 'srli', 'cShift64', 0x8001, 0xec03, [], 64],
  ['c.srai', 'srai', 'cShift', 0x8401, 0xfc03, [], 32],
  ['c.srai', 'srai', 'cShift64', 0x8401, 0xec03, [], 64],
  ['c.andi', 'andi', 'cAndi', 0x8801, 0xec03],
  ['c.sub', 'sub', 'cArithmetic', 0x8c01, 0xfc63],
  ['c.xor', 'xor', 'cArithmetic', 0x8c21, 0xfc63],
  ['c.or', 'or', 'cArithmetic', 0x8c41, 0xfc63],
  ['c.and', 'and', 'cArithmetic', 0x8c61, 0xfc63],
  ['c.subw', 'subw', 'cArithmetic', 0x9c01, 0xfc63, [], 64],
  ['c.addw', 'addw', 'cArithmetic', 0x9c21, 0xfc63, [], 64],
  ['c.j', 'jal', 'cJ', 0xa001, 0xe003],
  ['c.beqz', 'beq', 'cBranch', 0xc001, 0xe003],
  ['c.bnez', 'bne', 'cBranch', 0xe001, 0xe003],
  ['c.slli', 'slli', 'cSlli', 0x0002, 0xf003, [], 32],
  ['c.slli', 'slli', 'cSlli64', 0x0002, 0xe003, [], 64],
  ['c.lwsp', 'lw', 'cLwsp', 0x4002, 0xe003, ['rd']],
  ['c.ldsp', 'ld', 'cLdsp', 0x6002, 0xe003, ['rd'], 64],
  ['c.fldsp', 'fld', 'cFldsp', 0x2002, 0xe003, [], 64, 'Zcd'],
  ['c.jr', 'jalr', 'cJr', 0x8002, 0xf07f, ['rs1']],
  ['c.mv', 'add', 'cMv', 0x8002, 0xf003, ['rs2']],
  ['c.ebreak', 'ebreak', 'none', 0x9002, 0xffff],
  ['c.jalr', 'jalr', 'cJalr', 0x9002, 0xf07f, ['rs1']],
  ['c.add', 'add', 'cAdd', 0x9002, 0xf003, ['rs2']],
  ['c.swsp', 'sw', 'cSwsp', 0xc002, 0xe003],
  ['c.sdsp', 'sd', 'cSdsp', 0xe002, 0xe003, [], 64],
  ['c.fsdsp', 'fsd', 'cFsdsp', 0xa002, 0xe003, [], 64, 'Zcd'],
];

function expand(full: readonly Instruction[], row: CompressedRow): Instruction {
  const [name, expandsTo, format, match, mask, nonZero = [], xlen = 0, extension = 'C'] = row;
  const target = full.find((instruction) => instruction.name === expandsTo);
  if (target === undefined) throw new Error(`${name} expands to ${expandsTo}, which has no row`);
  return { id: target.id, name, extension, xlen, format, match, mask, nonZero, length: 2 };
}

/** Every instruction, 32-bit rows first. */
export const INSTRUCTIONS: readonly Instruction[] = [...FULL, ...COMPRESSED.map((row) => expand(FULL, row))];

/** The rows a hart of this width and these extensions has. */
export function selectInstructions(xlen: 32 | 64, extensions: ReadonlySet<Extension>): readonly Instruction[] {
  return INSTRUCTIONS.filter((row) => (row.xlen === 0 || row.xlen === xlen) && extensions.has(row.extension));
}

/** The extensions of an RV32IMAC hart with M and U mode. */
export const RV32IMAC: ReadonlySet<Extension> = new Set(['I', 'M', 'A', 'C', 'Zicsr', 'Zifencei', 'Privileged']);

/** The extensions of an RV64GC hart with M, S and U mode, Zba and Zbb. */
export const RV64GC: ReadonlySet<Extension> = new Set([...RV32IMAC, 'F', 'D', 'Zcd', 'Zba', 'Zbb', 'S']);
