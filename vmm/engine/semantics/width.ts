/** Integer instructions of WebAssembly by register width, so that RV32 and RV64 share one description. */

import type { Code } from '../../wasm/code.js';
import { MEMORY, OP, TYPE, type ValueType } from '../../wasm/opcodes.js';

/** The instructions that work on an XLEN-wide value. */
export interface Width {
  readonly xlen: 32 | 64;
  readonly type: ValueType;
  readonly eqz: number;
  readonly eq: number;
  readonly ne: number;
  readonly ltS: number;
  readonly ltU: number;
  readonly gtS: number;
  readonly gtU: number;
  readonly leS: number;
  readonly leU: number;
  readonly geS: number;
  readonly geU: number;
  readonly clz: number;
  readonly ctz: number;
  readonly popcnt: number;
  readonly add: number;
  readonly sub: number;
  readonly mul: number;
  readonly divS: number;
  readonly divU: number;
  readonly remS: number;
  readonly remU: number;
  readonly and: number;
  readonly or: number;
  readonly xor: number;
  readonly shl: number;
  readonly shrS: number;
  readonly shrU: number;
  readonly rotl: number;
  readonly rotr: number;
  readonly load: number;
  readonly store: number;
  readonly extend8S: number;
  readonly extend16S: number;
  /** Pushes a constant, a safe integer. */
  constant(code: Code, value: number): void;
  /** The low word of the value on the stack, as an i32. */
  toWord(code: Code): void;
  /** The i32 on the stack as a value, sign-extended. */
  fromWord(code: Code): void;
  /** The i32 on the stack (a condition, an index) as a value, zero-extended. */
  fromUnsigned(code: Code): void;
}

export const WIDTH_32: Width = {
  xlen: 32,
  type: TYPE.i32,
  eqz: OP.i32Eqz,
  eq: OP.i32Eq,
  ne: OP.i32Ne,
  ltS: OP.i32LtS,
  ltU: OP.i32LtU,
  gtS: OP.i32GtS,
  gtU: OP.i32GtU,
  leS: OP.i32LeS,
  leU: OP.i32LeU,
  geS: OP.i32GeS,
  geU: OP.i32GeU,
  clz: OP.i32Clz,
  ctz: OP.i32Ctz,
  popcnt: OP.i32Popcnt,
  add: OP.i32Add,
  sub: OP.i32Sub,
  mul: OP.i32Mul,
  divS: OP.i32DivS,
  divU: OP.i32DivU,
  remS: OP.i32RemS,
  remU: OP.i32RemU,
  and: OP.i32And,
  or: OP.i32Or,
  xor: OP.i32Xor,
  shl: OP.i32Shl,
  shrS: OP.i32ShrS,
  shrU: OP.i32ShrU,
  rotl: OP.i32Rotl,
  rotr: OP.i32Rotr,
  load: MEMORY.i32Load,
  store: MEMORY.i32Store,
  extend8S: OP.i32Extend8S,
  extend16S: OP.i32Extend16S,
  constant: (code, value) => code.i32(value),
  toWord: () => {},
  fromWord: () => {},
  fromUnsigned: () => {},
};

export const WIDTH_64: Width = {
  xlen: 64,
  type: TYPE.i64,
  eqz: OP.i64Eqz,
  eq: OP.i64Eq,
  ne: OP.i64Ne,
  ltS: OP.i64LtS,
  ltU: OP.i64LtU,
  gtS: OP.i64GtS,
  gtU: OP.i64GtU,
  leS: OP.i64LeS,
  leU: OP.i64LeU,
  geS: OP.i64GeS,
  geU: OP.i64GeU,
  clz: OP.i64Clz,
  ctz: OP.i64Ctz,
  popcnt: OP.i64Popcnt,
  add: OP.i64Add,
  sub: OP.i64Sub,
  mul: OP.i64Mul,
  divS: OP.i64DivS,
  divU: OP.i64DivU,
  remS: OP.i64RemS,
  remU: OP.i64RemU,
  and: OP.i64And,
  or: OP.i64Or,
  xor: OP.i64Xor,
  shl: OP.i64Shl,
  shrS: OP.i64ShrS,
  shrU: OP.i64ShrU,
  rotl: OP.i64Rotl,
  rotr: OP.i64Rotr,
  load: MEMORY.i64Load,
  store: MEMORY.i64Store,
  extend8S: OP.i64Extend8S,
  extend16S: OP.i64Extend16S,
  constant: (code, value) => code.i64(value),
  toWord: (code) => code.op(OP.i32WrapI64),
  fromWord: (code) => code.op(OP.i64ExtendI32S),
  fromUnsigned: (code) => code.op(OP.i64ExtendI32U),
};
