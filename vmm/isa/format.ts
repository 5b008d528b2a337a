/** Where the operands of an instruction lie in its bits: read by the decoder, written by the assembler. */

/** The integer registers and the floating-point registers. */
export type RegisterFile = 'x' | 'f';

/** A register number: `width` bits at bit `at`, plus a constant. Width 0 is an implied register. */
export interface RegisterField {
  readonly file: RegisterFile;
  readonly at: number;
  readonly width: number;
  readonly plus: number;
}

/** A run of an immediate's bits: `width` bits at instruction bit `at` are the immediate's bits from `to` up. */
export interface ImmediatePiece {
  readonly at: number;
  readonly width: number;
  readonly to: number;
}

/** An immediate scattered over the instruction; `bits` counts from bit 0, so a branch's 12 bits at bits 12 to 1 make 13. */
export interface ImmediateField {
  readonly bits: number;
  readonly signed: boolean;
  readonly pieces: readonly ImmediatePiece[];
}

/**
 * How one kind of instruction is laid out and written.
 * `syntax` lists the operands as assembly shows them: `rd`, `rs1`, `rs2`, `rs3`, `imm`, `target` (pc-relative),
 * `upper` (the immediate's bits from 12 up), `csr`, `zimm` (a number in the rs1 field), `imm(rs1)`, `(rs1)`.
 * A format with `rm` takes the name of a rounding mode as one more operand, which may be left out.
 */
export interface Format {
  readonly syntax: string;
  readonly rd?: RegisterField;
  readonly rs1?: RegisterField;
  readonly rs2?: RegisterField;
  readonly rs3?: RegisterField;
  /** The rounding mode that assembly means when it names none: `dyn` (7), or `rne` (0) where the result is always exact. */
  readonly rm?: 0 | 7;
  readonly imm?: ImmediateField;
}

const field = (at: number, width: number, plus = 0): RegisterField => ({ file: 'x', at, width, plus });
const implied = (register: number): RegisterField => ({ file: 'x', at: 0, width: 0, plus: register });
const float = (of: RegisterField): RegisterField => ({ ...of, file: 'f' });

function immediate(
  bits: number,
  signed: boolean,
  ...pieces: [at: number, width: number, to: number][]
): ImmediateField {
  return { bits, signed, pieces: pieces.map(([at, width, to]) => ({ at, width, to })) };
}

const RD = field(7, 5);
const RS1 = field(15, 5);
const RS2 = field(20, 5);
const FRD = float(RD);
const FRS1 = float(RS1);
const FRS2 = float(RS2);
const FRS3 = float(field(27, 5));
const IMM_I = immediate(12, true, [20, 12, 0]);
const IMM_S = immediate(12, true, [7, 5, 0], [25, 7, 5]);
const IMM_CSR = immediate(12, false, [20, 12, 0]);

/** Registers of compressed instructions: the full field at bit 2, and x8 to x15 at bits 2 and 7. */
const C_RS2 = field(2, 5);
const C_LOW = field(2, 3, 8);
const C_HIGH = field(7, 3, 8);
const SP = implied(2);
const ZERO = implied(0);
const IMM_CI = immediate(6, true, [2, 5, 0], [12, 1, 5]);
const IMM_CLW = immediate(7, false, [10, 3, 3], [6, 1, 2], [5, 1, 6]);
const IMM_CLD = immediate(8, false, [10, 3, 3], [5, 2, 6]);
const IMM_CLDSP = immediate(9, false, [5, 2, 3], [12, 1, 5], [2, 3, 6]);
const IMM_CSDSP = immediate(9, false, [10, 3, 3], [7, 3, 6]);
const IMM_C_SHAMT = immediate(5, false, [2, 5, 0]);
const IMM_C_SHAMT64 = immediate(6, false, [2, 5, 0], [12, 1, 5]);
const IMM_CJ = immediate(
  12,
  true,
  [3, 3, 1],
  [11, 1, 4],
  [2, 1, 5],
  [7, 1, 6],
  [6, 1, 7],
  [9, 2, 8],
  [8, 1, 10],
  [12, 1, 11],
);
const IMM_CB = immediate(9, true, [3, 2, 1], [10, 2, 3], [2, 1, 5], [5, 2, 6], [12, 1, 8]);

/** Unprivileged specification 20191213, sections 2.3 and 16.2; the names of compressed formats follow their instructions. */
export const FORMATS = {
  none: { syntax: '' },
  r: { syntax: 'rd,rs1,rs2', rd: RD, rs1: RS1, rs2: RS2 },
  i: { syntax: 'rd,rs1,imm', rd: RD, rs1: RS1, imm: IMM_I },
  shift: { syntax: 'rd,rs1,imm', rd: RD, rs1: RS1, imm: immediate(5, false, [20, 5, 0]) },
  shift64: { syntax: 'rd,rs1,imm', rd: RD, rs1: RS1, imm: immediate(6, false, [20, 6, 0]) },
  unary: { syntax: 'rd,rs1', rd: RD, rs1: RS1 },
  load: { syntax: 'rd,imm(rs1)', rd: RD, rs1: RS1, imm: IMM_I },
  s: { syntax: 'rs2,imm(rs1)', rs1: RS1, rs2: RS2, imm: IMM_S },
  b: {
    syntax: 'rs1,rs2,target',
    rs1: RS1,
    rs2: RS2,
    imm: immediate(13, true, [8, 4, 1], [25, 6, 5], [7, 1, 11], [31, 1, 12]),
  },
  u: { syntax: 'rd,upper', rd: RD, imm: immediate(32, true, [12, 20, 12]) },
  j: {
    syntax: 'rd,target',
    rd: RD,
    imm: immediate(21, true, [21, 10, 1], [20, 1, 11], [12, 8, 12], [31, 1, 20]),
  },
  csr: { syntax: 'rd,csr,rs1', rd: RD, rs1: RS1, imm: IMM_CSR },
  csri: { syntax: 'rd,csr,zimm', rd: RD, rs1: RS1, imm: IMM_CSR },
  amo: { syntax: 'rd,rs2,(rs1)', rd: RD, rs1: RS1, rs2: RS2 },
  lr: { syntax: 'rd,(rs1)', rd: RD, rs1: RS1 },
  sfence: { syntax: 'rs1,rs2', rs1: RS1, rs2: RS2 },

  fLoad: { syntax: 'rd,imm(rs1)', rd: FRD, rs1: RS1, imm: IMM_I },
  fStore: { syntax: 'rs2,imm(rs1)', rs1: RS1, rs2: FRS2, imm: IMM_S },
  fFused: { syntax: 'rd,rs1,rs2,rs3', rd: FRD, rs1: FRS1, rs2: FRS2, rs3: FRS3, rm: 7 },
  fArithmetic: { syntax: 'rd,rs1,rs2', rd: FRD, rs1: FRS1, rs2: FRS2, rm: 7 },
  fUnary: { syntax: 'rd,rs1', rd: FRD, rs1: FRS1, rm: 7 },
  fUnaryExact: { syntax: 'rd,rs1', rd: FRD, rs1: FRS1, rm: 0 },
  fSelect: { syntax: 'rd,rs1,rs2', rd: FRD, rs1: FRS1, rs2: FRS2 },
  fCompare: { syntax: 'rd,rs1,rs2', rd: RD, rs1: FRS1, rs2: FRS2 },
  fToX: { syntax: 'rd,rs1', rd: RD, rs1: FRS1, rm: 7 },
  fFromX: { syntax: 'rd,rs1', rd: FRD, rs1: RS1, rm: 7 },
  fFromXExact: { syntax: 'rd,rs1', rd: FRD, rs1: RS1, rm: 0 },
  fMoveToX: { syntax: 'rd,rs1', rd: RD, rs1: FRS1 },
  fMoveFromX: { syntax: 'rd,rs1', rd: FRD, rs1: RS1 },

  cAddi4spn: {
    syntax: 'rd,imm',
    rd: C_LOW,
    rs1: SP,
    imm: immediate(10, false, [6, 1, 2], [5, 1, 3], [11, 2, 4], [7, 4, 6]),
  },
  cLoad: { syntax: 'rd,imm(rs1)', rd: C_LOW, rs1: C_HIGH, imm: IMM_CLW },
  cStore: { syntax: 'rs2,imm(rs1)', rs1: C_HIGH, rs2: C_LOW, imm: IMM_CLW },
  cLd: { syntax: 'rd,imm(rs1)', rd: C_LOW, rs1: C_HIGH, imm: IMM_CLD },
  cSd: { syntax: 'rs2,imm(rs1)', rs1: C_HIGH, rs2: C_LOW, imm: IMM_CLD },
  cFld: { syntax: 'rd,imm(rs1)', rd: float(C_LOW), rs1: C_HIGH, imm: IMM_CLD },
  cFsd: { syntax: 'rs2,imm(rs1)', rs1: C_HIGH, rs2: float(C_LOW), imm: IMM_CLD },
  cAddi: { syntax: 'rd,imm', rd: RD, rs1: RD, imm: IMM_CI },
  cLi: { syntax: 'rd,imm', rd: RD, rs1: ZERO, imm: IMM_CI },
  cAddi16sp: {
    syntax: 'imm',
    rd: SP,
    rs1: SP,
    imm: immediate(10, true, [6, 1, 4], [2, 1, 5], [5, 1, 6], [3, 2, 7], [12, 1, 9]),
  },
  cLui: { syntax: 'rd,upper', rd: RD, imm: immediate(18, true, [2, 5, 12], [12, 1, 17]) },
  cShift: { syntax: 'rd,imm', rd: C_HIGH, rs1: C_HIGH, imm: IMM_C_SHAMT },
  cShift64: { syntax: 'rd,imm', rd: C_HIGH, rs1: C_HIGH, imm: IMM_C_SHAMT64 },
  cAndi: { syntax: 'rd,imm', rd: C_HIGH, rs1: C_HIGH, imm: IMM_CI },
  cArithmetic: { syntax: 'rd,rs2', rd: C_HIGH, rs1: C_HIGH, rs2: C_LOW },
  cJ: { syntax: 'target', rd: ZERO, imm: IMM_CJ },
  cJal: { syntax: 'target', rd: implied(1), imm: IMM_CJ },
  cBranch: { syntax: 'rs1,target', rs1: C_HIGH, rs2: ZERO, imm: IMM_CB },
  cSlli: { syntax: 'rd,imm', rd: RD, rs1: RD, imm: IMM_C_SHAMT },
  cSlli64: { syntax: 'rd,imm', rd: RD, rs1: RD, imm: IMM_C_SHAMT64 },
  cLwsp: { syntax: 'rd,imm(rs1)', rd: RD, rs1: SP, imm: immediate(8, false, [4, 3, 2], [12, 1, 5], [2, 2, 6]) },
  cSwsp: { syntax: 'rs2,imm(rs1)', rs1: SP, rs2: C_RS2, imm: immediate(8, false, [9, 4, 2], [7, 2, 6]) },
  cLdsp: { syntax: 'rd,imm(rs1)', rd: RD, rs1: SP, imm: IMM_CLDSP },
  cSdsp: { syntax: 'rs2,imm(rs1)', rs1: SP, rs2: C_RS2, imm: IMM_CSDSP },
  cFldsp: { syntax: 'rd,imm(rs1)', rd: FRD, rs1: SP, imm: IMM_CLDSP },
  cFsdsp: { syntax: 'rs2,imm(rs1)', rs1: SP, rs2: float(C_RS2), imm: IMM_CSDSP },
  cJr: { syntax: 'rs1', rd: ZERO, rs1: RD },
  cJalr: { syntax: 'rs1', rd: implied(1), rs1: RD },
  cMv: { syntax: 'rd,rs2', rd: RD, rs1: ZERO, rs2: C_RS2 },
  cAdd: { syntax: 'rd,rs2', rd: RD, rs1: RD, rs2: C_RS2 },
} as const satisfies Record<string, Format>;

export type FormatName = keyof typeof FORMATS;

/** Where the rounding mode lies in the instructions that have one: three bits from bit 12 (section 11.2). */
export const RM_SHIFT = 12;

/** The register number that `word` holds in `field`. */
export function readRegisterField(field: RegisterField, word: number): number {
  return ((word >>> field.at) & ((1 << field.width) - 1)) + field.plus;
}

/** The immediate that `word` holds, as a signed 32-bit number. */
export function readImmediate(field: ImmediateField, word: number): number {
  let value = 0;
  for (const { at, width, to } of field.pieces) {
    value |= ((word >>> at) & (2 ** width - 1)) << to;
  }
  const unused = 32 - field.bits;
  return field.signed ? (value << unused) >> unused : value;
}

/** The bits that hold `value`, or undefined when the field cannot express it. */
export function writeImmediate(field: ImmediateField, value: number): number | undefined {
  let word = 0;
  for (const { at, width, to } of field.pieces) {
    word |= ((value >>> to) & (2 ** width - 1)) << at;
  }
  return readImmediate(field, word) === value ? word : undefined;
}
