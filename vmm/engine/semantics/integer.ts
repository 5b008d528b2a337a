/** What the instructions of I, M, Zba and Zbb do (Unprivileged specification 20191213; Bit-manipulation extension 1.0). */

import { OP } from '../../wasm/opcodes.js';
import type { Operands, Semantics } from './operands.js';
import type { Width } from './width.js';

type Pick = (x: Width) => number;

/** rd = rs1 op rs2. */
const register =
  (pick: Pick): Semantics =>
  (o) =>
    o.setRd(() => {
      o.rs1();
      o.rs2();
      o.code.op(pick(o.x));
    });

/** rd = rs1 op immediate. */
const immediate =
  (pick: Pick): Semantics =>
  (o) =>
    o.setRd(() => {
      o.rs1();
      o.imm();
      o.code.op(pick(o.x));
    });

/** rd = rs1 relation operand. */
const compare =
  (pick: Pick, isImmediate: boolean): Semantics =>
  (o) =>
    o.setRd(() => {
      o.rs1();
      if (isImmediate) o.imm();
      else o.rs2();
      o.code.op(pick(o.x));
      o.x.fromUnsigned(o.code);
    });

const word1 = (o: Operands): void => {
  o.rs1();
  o.x.toWord(o.code);
};

const word2 = (o: Operands): void => {
  o.rs2();
  o.x.toWord(o.code);
};

/** rd = sign-extended 32 bits of rs1 op rs2. */
const word =
  (opcode: number): Semantics =>
  (o) =>
    o.setRd(() => {
      word1(o);
      word2(o);
      o.code.op(opcode);
      o.x.fromWord(o.code);
    });

const wordImmediate =
  (opcode: number): Semantics =>
  (o) =>
    o.setRd(() => {
      word1(o);
      o.immWord();
      o.code.op(opcode);
      o.x.fromWord(o.code);
    });

/** rd = op rs1. */
const unary =
  (pick: Pick): Semantics =>
  (o) =>
    o.setRd(() => {
      o.rs1();
      o.code.op(pick(o.x));
    });

const unaryWord =
  (opcode: number): Semantics =>
  (o) =>
    o.setRd(() => {
      word1(o);
      o.code.op(opcode);
      o.x.fromWord(o.code);
    });

/** rd = rs1 op not rs2. */
const inverted =
  (pick: Pick): Semantics =>
  (o) =>
    o.setRd(() => {
      o.rs1();
      o.rs2();
      o.x.constant(o.code, -1);
      o.code.op(o.x.xor).op(pick(o.x));
    });

/** rd = rs2 + (rs1 << shift), rs1 zero-extended from 32 bits when `isWord`. */
const shiftAdd =
  (shift: number, isWord: boolean): Semantics =>
  (o) =>
    o.setRd(() => {
      o.rs1();
      if (isWord) o.code.op(OP.i32WrapI64).op(OP.i64ExtendI32U);
      o.x.constant(o.code, shift);
      o.code.op(o.x.shl);
      o.rs2();
      o.code.op(o.x.add);
    });

const choose =
  (pick: Pick): Semantics =>
  (o) =>
    o.setRd(() => {
      o.rs1();
      o.rs2();
      o.rs1();
      o.rs2();
      o.code.op(pick(o.x)).op(OP.select);
    });

/**
 * Division never traps: by zero the quotient is all ones and the remainder the dividend; the one overflow gives the
 * dividend and 0 (section 7.2). WebAssembly traps at both, so they are taken out before.
 */
function divide(isSigned: boolean, isRemainder: boolean, isWord: boolean): Semantics {
  return (o) => {
    const { code } = o;
    const is32 = isWord || o.x.xlen === 32;
    const a = o.scratch(is32 ? 'i32' : 'i64', 0);
    const b = o.scratch(is32 ? 'i32' : 'i64', 1);
    const type = is32 ? 'i32' : 'i64';
    const constant = (value: number): void => void (is32 ? code.i32(value) : code.i64(value));
    if (isWord) word1(o);
    else o.rs1();
    code.set(a);
    if (isWord) word2(o);
    else o.rs2();
    code.set(b);
    const name = `${type}${isRemainder ? 'Rem' : 'Div'}${isSigned ? 'S' : 'U'}` as 'i32DivS';
    o.setRd(() => {
      const valueType = is32 ? 0x7f : 0x7e;
      code.get(b).op(is32 ? OP.i32Eqz : OP.i64Eqz);
      code.if(valueType);
      if (isRemainder) code.get(a);
      else constant(-1);
      code.else();
      if (isSigned) {
        // By -1 the quotient is the negated dividend, which is right for the overflow, too.
        code.get(b);
        constant(-1);
        code.op(is32 ? OP.i32Eq : OP.i64Eq);
        code.if(valueType);
        constant(0);
        if (!isRemainder) code.get(a).op(is32 ? OP.i32Sub : OP.i64Sub);
        code.else();
      }
      code.get(a).get(b).op(OP[name]);
      if (isSigned) code.end();
      code.end();
      if (isWord) o.x.fromWord(code);
    });
  };
}

/** The high half of a product (section 7.1): in 64 bits on RV32, from four partial products on RV64. */
function multiplyHigh(isSigned1: boolean, isSigned2: boolean): Semantics {
  return (o) => {
    if (o.x.xlen === 32) multiplyHigh32(o, isSigned1, isSigned2);
    else multiplyHigh64(o, isSigned1, isSigned2);
  };
}

function multiplyHigh32(o: Operands, isSigned1: boolean, isSigned2: boolean): void {
  o.setRd(() => {
    o.rs1();
    o.code.op(isSigned1 ? OP.i64ExtendI32S : OP.i64ExtendI32U);
    o.rs2();
    o.code.op(isSigned2 ? OP.i64ExtendI32S : OP.i64ExtendI32U);
    o.code.op(OP.i64Mul).i64(32).op(OP.i64ShrU).op(OP.i32WrapI64);
  });
}

function multiplyHigh64(o: Operands, isSigned1: boolean, isSigned2: boolean): void {
  const { code } = o;
  const a = o.scratch('i64', 0);
  const b = o.scratch('i64', 1);
  const low = o.scratch('i64', 2);
  const middle = o.scratch('i64', 3);
  const lowHalf = (local: number): void => void code.get(local).i64(0xffff_ffff).op(OP.i64And);
  const highHalf = (local: number): void => void code.get(local).i64(32).op(OP.i64ShrU);
  o.rs1();
  code.set(a);
  o.rs2();
  code.set(b);
  // low = a0 * b0; middle = a1 * b0 + (low >> 32), which cannot overflow.
  lowHalf(a);
  lowHalf(b);
  code.op(OP.i64Mul).set(low);
  highHalf(a);
  lowHalf(b);
  code.op(OP.i64Mul);
  highHalf(low);
  code.op(OP.i64Add).set(middle);
  o.setRd(() => {
    highHalf(a);
    highHalf(b);
    code.op(OP.i64Mul);
    highHalf(middle);
    code.op(OP.i64Add);
    lowHalf(a);
    highHalf(b);
    code.op(OP.i64Mul);
    lowHalf(middle);
    code.op(OP.i64Add).i64(32).op(OP.i64ShrU).op(OP.i64Add);
    // A negative factor counts 2^64 too much of the other one.
    if (isSigned1) code.get(a).i64(63).op(OP.i64ShrS).get(b).op(OP.i64And).op(OP.i64Sub);
    if (isSigned2) code.get(b).i64(63).op(OP.i64ShrS).get(a).op(OP.i64And).op(OP.i64Sub);
  });
}

/** Every byte of rs1 that is not zero becomes all ones. */
const orCombine: Semantics = (o) => {
  const { code, x } = o;
  const value = o.scratch('x', 0);
  const isWide = x.xlen === 64;
  const pattern = (byte: number): void => {
    if (isWide) code.i64Big(BigInt(byte) * 0x0101_0101_0101_0101n);
    else code.i32(Math.imul(byte, 0x0101_0101));
  };
  o.rs1();
  code.set(value);
  o.setRd(() => {
    // Bit 7 of each byte: whether any bit of it is set. Times 255 >> 7 spreads it.
    code.get(value);
    pattern(0x7f);
    code.op(x.and);
    pattern(0x7f);
    code.op(x.add).get(value).op(x.or);
    pattern(0x80);
    code.op(x.and);
    x.constant(code, 7);
    code.op(x.shrU);
    x.constant(code, 255);
    code.op(x.mul);
  });
};

/** Reverses the bytes of rs1 by swapping neighbours, pairs, and halves. */
const reverseBytes: Semantics = (o) => {
  const { code, x } = o;
  const value = o.scratch('x', 0);
  const isWide = x.xlen === 64;
  const swap = (bits: number, mask: bigint): void => {
    const push = (): void => void (isWide ? code.i64Big(mask) : code.i32(Number(mask & 0xffff_ffffn)));
    code.get(value);
    x.constant(code, bits);
    code.op(x.shrU);
    push();
    code.op(x.and).get(value);
    push();
    code.op(x.and);
    x.constant(code, bits);
    code.op(x.shl).op(x.or).set(value);
  };
  o.rs1();
  code.set(value);
  swap(8, 0x00ff_00ff_00ff_00ffn);
  if (isWide) swap(16, 0x0000_ffff_0000_ffffn);
  o.setRd(() => {
    code.get(value);
    x.constant(code, isWide ? 32 : 16);
    code.op(x.rotl);
  });
};

const zeroExtend16: Semantics = (o) =>
  o.setRd(() => {
    o.rs1();
    o.x.constant(o.code, 0xffff);
    o.code.op(o.x.and);
  });

const BASE: readonly (readonly [string, Semantics])[] = [
  ['lui', (o) => o.setRd(() => o.imm())],
  [
    'auipc',
    (o) =>
      o.setRd(() => {
        o.pc();
        o.imm();
        o.code.op(o.x.add);
      }),
  ],
  ['addi', immediate((x) => x.add)],
  ['slti', compare((x) => x.ltS, true)],
  ['sltiu', compare((x) => x.ltU, true)],
  ['xori', immediate((x) => x.xor)],
  ['ori', immediate((x) => x.or)],
  ['andi', immediate((x) => x.and)],
  ['slli', immediate((x) => x.shl)],
  ['srli', immediate((x) => x.shrU)],
  ['srai', immediate((x) => x.shrS)],
  ['add', register((x) => x.add)],
  ['sub', register((x) => x.sub)],
  ['sll', register((x) => x.shl)],
  ['slt', compare((x) => x.ltS, false)],
  ['sltu', compare((x) => x.ltU, false)],
  ['xor', register((x) => x.xor)],
  ['srl', register((x) => x.shrU)],
  ['sra', register((x) => x.shrS)],
  ['or', register((x) => x.or)],
  ['and', register((x) => x.and)],
  ['addiw', wordImmediate(OP.i32Add)],
  ['slliw', wordImmediate(OP.i32Shl)],
  ['srliw', wordImmediate(OP.i32ShrU)],
  ['sraiw', wordImmediate(OP.i32ShrS)],
  ['addw', word(OP.i32Add)],
  ['subw', word(OP.i32Sub)],
  ['sllw', word(OP.i32Shl)],
  ['srlw', word(OP.i32ShrU)],
  ['sraw', word(OP.i32ShrS)],
];

const MULTIPLY: readonly (readonly [string, Semantics])[] = [
  ['mul', register((x) => x.mul)],
  ['mulh', multiplyHigh(true, true)],
  ['mulhsu', multiplyHigh(true, false)],
  ['mulhu', multiplyHigh(false, false)],
  ['div', divide(true, false, false)],
  ['divu', divide(false, false, false)],
  ['rem', divide(true, true, false)],
  ['remu', divide(false, true, false)],
  ['mulw', word(OP.i32Mul)],
  ['divw', divide(true, false, true)],
  ['divuw', divide(false, false, true)],
  ['remw', divide(true, true, true)],
  ['remuw', divide(false, true, true)],
];

const BITS: readonly (readonly [string, Semantics])[] = [
  ['sh1add', shiftAdd(1, false)],
  ['sh2add', shiftAdd(2, false)],
  ['sh3add', shiftAdd(3, false)],
  ['add.uw', shiftAdd(0, true)],
  ['sh1add.uw', shiftAdd(1, true)],
  ['sh2add.uw', shiftAdd(2, true)],
  ['sh3add.uw', shiftAdd(3, true)],
  [
    'slli.uw',
    (o) =>
      o.setRd(() => {
        o.rs1();
        o.code.op(OP.i32WrapI64).op(OP.i64ExtendI32U);
        o.imm();
        o.code.op(OP.i64Shl);
      }),
  ],
  ['andn', inverted((x) => x.and)],
  ['orn', inverted((x) => x.or)],
  ['xnor', inverted((x) => x.xor)],
  ['clz', unary((x) => x.clz)],
  ['ctz', unary((x) => x.ctz)],
  ['cpop', unary((x) => x.popcnt)],
  ['clzw', unaryWord(OP.i32Clz)],
  ['ctzw', unaryWord(OP.i32Ctz)],
  ['cpopw', unaryWord(OP.i32Popcnt)],
  ['max', choose((x) => x.gtS)],
  ['maxu', choose((x) => x.gtU)],
  ['min', choose((x) => x.ltS)],
  ['minu', choose((x) => x.ltU)],
  ['sext.b', unary((x) => x.extend8S)],
  ['sext.h', unary((x) => x.extend16S)],
  ['zext.h', zeroExtend16],
  ['rol', register((x) => x.rotl)],
  ['ror', register((x) => x.rotr)],
  ['rori', immediate((x) => x.rotr)],
  ['rolw', word(OP.i32Rotl)],
  ['rorw', word(OP.i32Rotr)],
  ['roriw', wordImmediate(OP.i32Rotr)],
  ['orc.b', orCombine],
  ['rev8', reverseBytes],
];

/** By instruction name. Shift amounts need no mask: WebAssembly takes them modulo the width, as RISC-V does. */
export const INTEGER: ReadonlyMap<string, Semantics> = new Map([...BASE, ...MULTIPLY, ...BITS]);
