/** The interpreter's hot loop: straight RV32IM code, accesses to RAM, turning interrupts on and off; everything else leaves it. */

import { CSR } from '../isa/csr-numbers.js';
import { OP, REGION_BYTES } from './decoded-code.js';
import type { GuestMemory } from './guest-memory.js';
import { MSTATUS, PRIVILEGE, SINK, WORD } from './hart-state.js';
import { CLEARABLE_INTERRUPTS, INTERRUPT_MASK } from './traps.js';

/** What the loop works on, and where it stopped. */
export class Execution {
  readonly words: Int32Array;
  readonly i8: Int8Array;
  readonly u8: Uint8Array;
  readonly i16: Int16Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  /**
   * RAM offset and length, multiples of 4, of what loads and stores may reach unchecked: all of RAM or, where protection
   * must be asked, what one of its entries permits.
   */
  openFirst = 0;
  openBytes = 0;
  /** Where the loop stopped: byte offset in the region (outside it after a far jump), and what is left of the budget. */
  index = 0;
  left = 0;

  constructor(words: Int32Array, memory: GuestMemory) {
    this.words = words;
    this.i8 = memory.i8;
    this.u8 = memory.u8;
    this.i16 = memory.i16;
    this.u16 = memory.u16;
    this.i32 = memory.i32;
  }
}

/**
 * Executes up to `budget` instructions from `start` in `code`, whose region begins at address `base`. Returns the first
 * word of the instruction that it could not execute, at `index`, not counted; or one with `OP.leave` when there is none.
 *
 * One function on purpose, far longer than the rest: V8 keeps the views in machine registers only while the loop makes
 * no call and allocates nothing, and turns a dense switch over literals into one indirect jump. The case numbers are
 * `Instruction.id`; the engine suite executes every one of them.
 */
export function execute(e: Execution, code: Int32Array, base: number, start: number, budget: number): number {
  const x = e.words;
  const i8 = e.i8;
  const u8 = e.u8;
  const i16 = e.i16;
  const u16 = e.u16;
  const i32 = e.i32;
  const open8 = e.openBytes >>> 0;
  const first8 = e.openFirst | 0;
  let i = start | 0;
  let left = budget | 0;
  let w = OP.leave | 0;

  loop: while (left > 0) {
    w = code[i];
    switch (w & 255) {
      case 1: // lui, auipc
        x[(w >> 8) & 63] = code[i + 1];
        break;
      case 3: // jal
        x[(w >> 8) & 63] = base + i + (w >>> 28);
        i = (i + code[i + 1]) | 0;
        left = (left - 1) | 0;
        continue;
      case 4: {
        // jalr
        const target = (((x[(w >> 14) & 63] + code[i + 1]) & ~1) - base) | 0;
        x[(w >> 8) & 63] = base + i + (w >>> 28);
        i = target;
        left = (left - 1) | 0;
        if (target >>> 0 < REGION_BYTES) continue;
        w = OP.leave;
        break loop;
      }
      case 5: // beq
        if (x[(w >> 14) & 63] === x[(w >> 20) & 63]) {
          i = (i + code[i + 1]) | 0;
          left = (left - 1) | 0;
          continue;
        }
        break;
      case 6: // bne
        if (x[(w >> 14) & 63] !== x[(w >> 20) & 63]) {
          i = (i + code[i + 1]) | 0;
          left = (left - 1) | 0;
          continue;
        }
        break;
      case 7: // blt
        if (x[(w >> 14) & 63] < x[(w >> 20) & 63]) {
          i = (i + code[i + 1]) | 0;
          left = (left - 1) | 0;
          continue;
        }
        break;
      case 8: // bge
        if (x[(w >> 14) & 63] >= x[(w >> 20) & 63]) {
          i = (i + code[i + 1]) | 0;
          left = (left - 1) | 0;
          continue;
        }
        break;
      case 9: // bltu
        if (x[(w >> 14) & 63] >>> 0 < x[(w >> 20) & 63] >>> 0) {
          i = (i + code[i + 1]) | 0;
          left = (left - 1) | 0;
          continue;
        }
        break;
      case 10: // bgeu
        if (x[(w >> 14) & 63] >>> 0 >= x[(w >> 20) & 63] >>> 0) {
          i = (i + code[i + 1]) | 0;
          left = (left - 1) | 0;
          continue;
        }
        break;
      case 11: {
        // lb
        const k = (x[(w >> 14) & 63] + code[i + 1]) >>> 0;
        if ((k - first8) >>> 0 >= open8) break loop;
        x[(w >> 8) & 63] = i8[k];
        break;
      }
      case 12: {
        // lh: rotating the address right makes one comparison reject misaligned addresses, too
        const a = (x[(w >> 14) & 63] + code[i + 1]) | 0;
        const k = ((a >>> 1) | (a << 31)) >>> 0;
        if ((k - (first8 >>> 1)) >>> 0 >= open8 >>> 1) break loop;
        x[(w >> 8) & 63] = i16[k];
        break;
      }
      case 13: {
        // lw
        const a = (x[(w >> 14) & 63] + code[i + 1]) | 0;
        const k = ((a >>> 2) | (a << 30)) >>> 0;
        if ((k - (first8 >>> 2)) >>> 0 >= open8 >>> 2) break loop;
        x[(w >> 8) & 63] = i32[k];
        break;
      }
      case 14: {
        // lbu
        const k = (x[(w >> 14) & 63] + code[i + 1]) >>> 0;
        if ((k - first8) >>> 0 >= open8) break loop;
        x[(w >> 8) & 63] = u8[k];
        break;
      }
      case 15: {
        // lhu
        const a = (x[(w >> 14) & 63] + code[i + 1]) | 0;
        const k = ((a >>> 1) | (a << 31)) >>> 0;
        if ((k - (first8 >>> 1)) >>> 0 >= open8 >>> 1) break loop;
        x[(w >> 8) & 63] = u16[k];
        break;
      }
      case 16: {
        // sb
        const k = (x[(w >> 14) & 63] + code[i + 1]) >>> 0;
        if ((k - first8) >>> 0 >= open8) break loop;
        i8[k] = x[(w >> 20) & 63];
        break;
      }
      case 17: {
        // sh
        const a = (x[(w >> 14) & 63] + code[i + 1]) | 0;
        const k = ((a >>> 1) | (a << 31)) >>> 0;
        if ((k - (first8 >>> 1)) >>> 0 >= open8 >>> 1) break loop;
        i16[k] = x[(w >> 20) & 63];
        break;
      }
      case 18: {
        // sw
        const a = (x[(w >> 14) & 63] + code[i + 1]) | 0;
        const k = ((a >>> 2) | (a << 30)) >>> 0;
        if ((k - (first8 >>> 2)) >>> 0 >= open8 >>> 2) break loop;
        i32[k] = x[(w >> 20) & 63];
        break;
      }
      case 19: // addi
        x[(w >> 8) & 63] = x[(w >> 14) & 63] + code[i + 1];
        break;
      case 20: // slti
        x[(w >> 8) & 63] = x[(w >> 14) & 63] < code[i + 1] ? 1 : 0;
        break;
      case 21: // sltiu
        x[(w >> 8) & 63] = x[(w >> 14) & 63] >>> 0 < code[i + 1] >>> 0 ? 1 : 0;
        break;
      case 22: // xori
        x[(w >> 8) & 63] = x[(w >> 14) & 63] ^ code[i + 1];
        break;
      case 23: // ori
        x[(w >> 8) & 63] = x[(w >> 14) & 63] | code[i + 1];
        break;
      case 24: // andi
        x[(w >> 8) & 63] = x[(w >> 14) & 63] & code[i + 1];
        break;
      case 25: // slli
        x[(w >> 8) & 63] = x[(w >> 14) & 63] << code[i + 1];
        break;
      case 26: // srli
        x[(w >> 8) & 63] = x[(w >> 14) & 63] >>> code[i + 1];
        break;
      case 27: // srai
        x[(w >> 8) & 63] = x[(w >> 14) & 63] >> code[i + 1];
        break;
      case 28: // add
        x[(w >> 8) & 63] = x[(w >> 14) & 63] + x[(w >> 20) & 63];
        break;
      case 29: // sub
        x[(w >> 8) & 63] = x[(w >> 14) & 63] - x[(w >> 20) & 63];
        break;
      case 30: // sll
        x[(w >> 8) & 63] = x[(w >> 14) & 63] << x[(w >> 20) & 63];
        break;
      case 31: // slt
        x[(w >> 8) & 63] = x[(w >> 14) & 63] < x[(w >> 20) & 63] ? 1 : 0;
        break;
      case 32: // sltu
        x[(w >> 8) & 63] = x[(w >> 14) & 63] >>> 0 < x[(w >> 20) & 63] >>> 0 ? 1 : 0;
        break;
      case 33: // xor
        x[(w >> 8) & 63] = x[(w >> 14) & 63] ^ x[(w >> 20) & 63];
        break;
      case 34: // srl
        x[(w >> 8) & 63] = x[(w >> 14) & 63] >>> x[(w >> 20) & 63];
        break;
      case 35: // sra
        x[(w >> 8) & 63] = x[(w >> 14) & 63] >> x[(w >> 20) & 63];
        break;
      case 36: // or
        x[(w >> 8) & 63] = x[(w >> 14) & 63] | x[(w >> 20) & 63];
        break;
      case 37: // and
        x[(w >> 8) & 63] = x[(w >> 14) & 63] & x[(w >> 20) & 63];
        break;
      case 38: // mul
        x[(w >> 8) & 63] = Math.imul(x[(w >> 14) & 63], x[(w >> 20) & 63]);
        break;
      case 39: // mulh
      case 40: // mulhsu
      case 41: {
        // mulhu, from products of 16-bit halves; a negative factor counts 2^32 too much, which is then taken away
        const a = x[(w >> 14) & 63];
        const b = x[(w >> 20) & 63];
        const aLow = a & 0xffff;
        const aHigh = a >>> 16;
        const bLow = b & 0xffff;
        const bHigh = b >>> 16;
        const low = Math.imul(aLow, bLow) >>> 16;
        const middle = (Math.imul(aHigh, bLow) + low) | 0;
        const carry = (Math.imul(aLow, bHigh) + (middle & 0xffff)) | 0;
        let high = (Math.imul(aHigh, bHigh) + (middle >>> 16) + (carry >>> 16)) | 0;
        if ((w & 255) !== 41 && a < 0) high = (high - b) | 0;
        if ((w & 255) === 39 && b < 0) high = (high - a) | 0;
        x[(w >> 8) & 63] = high;
        break;
      }
      case 42: {
        // div: JavaScript's conversion wraps the overflow of -2^31 / -1 as RISC-V wants it
        const b = x[(w >> 20) & 63];
        x[(w >> 8) & 63] = b === 0 ? -1 : (x[(w >> 14) & 63] / b) | 0;
        break;
      }
      case 43: {
        // divu
        const b = x[(w >> 20) & 63] >>> 0;
        x[(w >> 8) & 63] = b === 0 ? -1 : ((x[(w >> 14) & 63] >>> 0) / b) | 0;
        break;
      }
      case 44: {
        // rem
        const a = x[(w >> 14) & 63];
        const b = x[(w >> 20) & 63];
        x[(w >> 8) & 63] = b === 0 ? a : (a % b) | 0;
        break;
      }
      case 45: {
        // remu
        const a = x[(w >> 14) & 63] >>> 0;
        const b = x[(w >> 20) & 63] >>> 0;
        x[(w >> 8) & 63] = b === 0 ? a : (a % b) | 0;
        break;
      }
      case 46: // fence: a sequentially consistent operation, so that this thread's loads and stores keep their order
        Atomics.load(x, WORD.mip);
        break;
      case 53: // csrrs
      case 56: {
        // csrrsi: of mstatus only MIE, and no interrupt that would have to be taken now
        const csr = code[i + 1] >>> 20;
        const source = (w >> 14) & 63;
        const bits = (w & 255) === 53 ? x[source] : source >> 1;
        if (x[WORD.privilege] !== PRIVILEGE.machine) break loop;
        if (csr === CSR.mstatus) {
          if ((bits & ~MSTATUS.mie) !== 0 || (Atomics.load(x, WORD.mip) & x[WORD.mie]) !== 0) break loop;
          const old = x[WORD.mstatus];
          x[(w >> 8) & 63] = old;
          x[WORD.mstatus] = old | bits;
        } else if (csr === CSR.mie) {
          const old = x[WORD.mie];
          const enabled = old | (bits & INTERRUPT_MASK);
          if ((x[WORD.mstatus] & MSTATUS.mie) !== 0 && (Atomics.load(x, WORD.mip) & enabled) !== 0) break loop;
          x[(w >> 8) & 63] = old;
          x[WORD.mie] = enabled;
        } else if (csr === CSR.mip && source === 0) {
          x[(w >> 8) & 63] = Atomics.load(x, WORD.mip);
        } else {
          break loop;
        }
        break;
      }
      case 54: // csrrc
      case 57: {
        // csrrci: of mstatus only MIE
        const csr = code[i + 1] >>> 20;
        const source = (w >> 14) & 63;
        const bits = (w & 255) === 54 ? x[source] : source >> 1;
        if (x[WORD.privilege] !== PRIVILEGE.machine) break loop;
        if (csr === CSR.mstatus) {
          if ((bits & ~MSTATUS.mie) !== 0) break loop;
          const old = x[WORD.mstatus];
          x[(w >> 8) & 63] = old;
          x[WORD.mstatus] = old & ~bits;
        } else if (csr === CSR.mie) {
          const old = x[WORD.mie];
          x[(w >> 8) & 63] = old;
          x[WORD.mie] = old & ~bits;
        } else if (csr === CSR.mip) {
          x[(w >> 8) & 63] = Atomics.and(x, WORD.mip, ~(bits & CLEARABLE_INTERRUPTS));
        } else {
          break loop;
        }
        break;
      }
      default:
        break loop;
    }
    i = (i + (w >>> 28)) | 0;
    left = (left - 1) | 0;
  }
  x[SINK] = 0;
  e.index = i;
  e.left = left;
  return left > 0 ? w : OP.leave;
}
