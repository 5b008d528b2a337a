/** Atoms that read and write registers: integer, floating-point, constants. */

import type { ProgramWriter } from './program-writer.js';

/** Values at which instructions change their behaviour, and whatever else. */
export function interestingValue(w: ProgramWriter, xlen = w.rows.xlen): bigint {
  const { random } = w;
  const top = BigInt(xlen - 1);
  switch (random.below(8)) {
    case 0:
      return BigInt(random.below(16)) - 8n;
    case 1:
      return 1n << BigInt(random.below(xlen));
    case 2:
      return (1n << BigInt(random.below(xlen))) - 1n;
    case 3:
      return w.choose([1n << top, (1n << top) - 1n, -1n, 0n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, -0x8000_0000n]);
    case 4:
      return BigInt(random.uint32() | 0);
    default:
      return (BigInt(random.uint32()) << 32n) | BigInt(random.uint32());
  }
}

export function integerAtom(w: ProgramWriter): void {
  for (let i = 1 + w.random.below(4); i > 0; i--) emitInteger(w);
}

/** One integer instruction of any kind that keeps the plan's registers. */
export function emitInteger(w: ProgramWriter): void {
  for (;;) {
    const row = w.choose(w.rows.integer);
    if (!w.mayWrite(row)) continue;
    w.emitRandom(row);
    return;
  }
}

/** `ctzw` of a word that is not zero, because QEMU 7.2 is wrong about that. */
export function trailingZerosAtom(w: ProgramWriter): void {
  const rd = w.temporary();
  w.constant(rd, 1n << BigInt(w.random.below(32)));
  w.emit('or', { rd, rs1: rd, rs2: w.source() });
  w.emit('ctzw', { rd: w.destination(), rs1: rd });
}

/** A 32-bit integer instruction, as its bits: what self-modifying code writes. */
export function anyIntegerWord(w: ProgramWriter): number {
  return w.randomWord(w.choose(w.rows.integer.filter((row) => row.length === 4)));
}

export function constantAtom(w: ProgramWriter): void {
  w.constant(w.temporary(), interestingValue(w));
}

const ROUNDING = 0x002;

/** A few instructions, now and then behind a change of the dynamic rounding mode: three of its eight values are reserved. */
export function floatingAtom(w: ProgramWriter): void {
  if (w.once(8)) {
    w.emit('csrrwi', {
      rd: w.destination(),
      rs1: w.once(6) ? 5 + w.random.below(3) : w.random.below(5),
      imm: ROUNDING,
    });
  }
  for (let i = 1 + w.random.below(4); i > 0; i--) w.emitRandom(w.choose(w.rows.floating));
}

const FLOAT_PATTERNS: readonly bigint[] = [
  0n,
  0x8000_0000_0000_0000n,
  0x3ff0_0000_0000_0000n,
  0x7ff0_0000_0000_0000n,
  0xfff0_0000_0000_0000n,
  0x7ff8_0000_0000_0000n,
  0x7ff0_0000_0000_0001n,
  0x000f_ffff_ffff_ffffn,
  0x0000_0000_0000_0001n,
  0x7fef_ffff_ffff_ffffn,
  0x43e0_0000_0000_0000n,
  0x41df_ffff_ffc0_0000n,
  0x3ff0_0000_0000_0001n,
];
const SINGLE_PATTERNS: readonly bigint[] = [
  0n,
  0x8000_0000n,
  0x3f80_0000n,
  0x7f80_0000n,
  0xff80_0000n,
  0x7fc0_0000n,
  0x7f80_0001n,
  0x007f_ffffn,
  0x0000_0001n,
  0x7f7f_ffffn,
  0x4f00_0000n,
  0x5f00_0000n,
  0x3f80_0001n,
];
const BOX = 0xffff_ffff_0000_0000n;

/** Doubles, boxed singles, and singles that are boxed wrongly. */
export function interestingFloat(w: ProgramWriter): bigint {
  const { random } = w;
  const noise = (BigInt(random.uint32()) << 32n) | BigInt(random.uint32());
  switch (random.below(8)) {
    case 0:
      return w.choose(FLOAT_PATTERNS);
    case 1:
      return BOX | w.choose(SINGLE_PATTERNS);
    case 2:
      return 0xffff_fffe_0000_0000n | w.choose(SINGLE_PATTERNS);
    case 3:
      return noise;
    case 4:
      // An exponent near zero, so that sums and quotients are neither exact nor out of range.
      return (noise & 0x800f_ffff_ffff_ffffn) | (BigInt(0x3f0 + random.below(0x20)) << 52n);
    case 5:
      return BOX | (noise & 0x807f_ffffn) | (BigInt(0x70 + random.below(0x20)) << 23n);
    case 6:
      return BOX | (noise & 0xffff_ffffn);
    default:
      return (noise & 0x800f_ffff_ffff_ffffn) | (BigInt(w.choose([0, 1, 0x381, 0x47e, 0x7fe, 0x7ff])) << 52n);
  }
}
