/** What the instructions compute that touch nothing but registers, in exact integers; for tests alone. */

import type { Xlen } from './hart-state.js';

type Definition = (a: bigint, b: bigint, width: number) => bigint;

const signed = (value: bigint, width: number): bigint => BigInt.asIntN(width, value);
const shift = (b: bigint, width: number): bigint => b & BigInt(width - 1);
const divide = (a: bigint, b: bigint): bigint => (b === 0n ? -1n : a / b);
const remainder = (a: bigint, b: bigint): bigint => (b === 0n ? a : a % b);

/** From operands that are unsigned at `width`; the result is cut afterwards. */
const DEFINITIONS: Readonly<Record<string, Definition>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  sll: (a, b, w) => a << shift(b, w),
  slt: (a, b, w) => (signed(a, w) < signed(b, w) ? 1n : 0n),
  sltu: (a, b) => (a < b ? 1n : 0n),
  xor: (a, b) => a ^ b,
  srl: (a, b, w) => a >> shift(b, w),
  sra: (a, b, w) => signed(a, w) >> shift(b, w),
  or: (a, b) => a | b,
  and: (a, b) => a & b,
  mul: (a, b) => a * b,
  mulh: (a, b, w) => (signed(a, w) * signed(b, w)) >> BigInt(w),
  mulhsu: (a, b, w) => (signed(a, w) * b) >> BigInt(w),
  mulhu: (a, b, w) => (a * b) >> BigInt(w),
  div: (a, b, w) => divide(signed(a, w), signed(b, w)),
  divu: divide,
  rem: (a, b, w) => remainder(signed(a, w), signed(b, w)),
  remu: remainder,
};

/** Instructions with an immediate, by the one they are like. */
const IMMEDIATE: ReadonlyMap<string, string> = new Map(
  ['add', 'slt', 'xor', 'or', 'and', 'sll', 'srl', 'sra']
    .map((name): [string, string] => [`${name}i`, name])
    .concat([['sltiu', 'sltu']]),
);

const WORDS = ['add', 'sub', 'sll', 'srl', 'sra', 'mul', 'div', 'divu', 'rem', 'remu'];
const CONTROL = ['lui', 'auipc', 'jal', 'jalr', 'beq', 'bne', 'blt', 'bge', 'bltu', 'bgeu'];

/** Names of what `compute` and `isTaken` know, and of the jumps. */
export const PLAIN: ReadonlySet<string> = new Set([
  ...Object.keys(DEFINITIONS),
  ...IMMEDIATE.keys(),
  ...WORDS.map((name) => `${name}w`),
  ...['addiw', 'slliw', 'srliw', 'sraiw'],
  ...CONTROL,
]);

/** The result of an instruction that is neither branch nor jump; operands are unsigned. */
export function compute(name: string, a: bigint, b: bigint, imm: bigint, pc: bigint, xlen: Xlen): bigint {
  if (name === 'lui') return imm;
  if (name === 'auipc') return pc + imm;
  const isWord = name.endsWith('w');
  const width = isWord ? 32 : xlen;
  const base = isWord ? name.slice(0, -1) : name;
  const like = IMMEDIATE.get(base);
  const right = BigInt.asUintN(width, like === undefined ? b : imm);
  return BigInt.asIntN(width, DEFINITIONS[like ?? base](BigInt.asUintN(width, a), right, width));
}

/** Whether a branch is taken. */
export function isTaken(name: string, a: bigint, b: bigint, xlen: Xlen): boolean {
  switch (name) {
    case 'beq':
      return a === b;
    case 'bne':
      return a !== b;
    case 'blt':
      return signed(a, xlen) < signed(b, xlen);
    case 'bge':
      return signed(a, xlen) >= signed(b, xlen);
    case 'bltu':
      return a < b;
    default:
      return a >= b;
  }
}
