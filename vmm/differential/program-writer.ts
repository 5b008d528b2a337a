/** What the generator's atoms are written with: code bytes, labels ahead, registers that may be used, constants. */

import type { Random } from '../../base/index.js';
import { FORMATS, type Format } from '../isa/format.js';
import type { Instruction } from '../isa/instruction-table.js';
import { CODE_BYTES } from './image-layout.js';
import { encode, encodeRandom, type Operands } from './instruction-encoder.js';
import type { RowSet } from './row-set.js';

/** The link register: it always holds the address of an atom, so that a trap handler can go on there. */
export const LINK = 1;

/** Registers that only the generator's own atoms write. */
export interface RegisterPlan {
  /** Pointers into the data window: one for its physical address, one for where supervisor or user mode sees it. */
  readonly physicalBase: number;
  readonly virtualBase: number;
  /** Loop counters: never above the trip count of the loop, so that a loop entered from anywhere ends. */
  readonly counters: readonly [number, number];
}

interface ForwardTarget {
  readonly at: number;
  /** Offset that the immediate is relative to. */
  readonly from: number;
  readonly row: Instruction;
  readonly operands: Operands;
  /** How many atoms ahead. */
  readonly hop: number;
  readonly atom: number;
  /** Added to the immediate: `jalr` ignores bit 0 of the target. */
  readonly plus: number;
}

/** One code page, written atom by atom. An atom is a sequence that is only ever entered at its beginning. */
export class ProgramWriter {
  readonly bytes = new Uint8Array(CODE_BYTES);
  readonly #view = new DataView(this.bytes.buffer);
  readonly #atoms: number[] = [];
  #ahead: ForwardTarget[] = [];
  #offset = 0;

  constructor(
    readonly random: Random,
    readonly rows: RowSet,
    readonly plan: RegisterPlan,
  ) {}

  /** Offsets of all atoms so far. */
  get atoms(): readonly number[] {
    return this.#atoms;
  }

  get offset(): number {
    return this.#offset;
  }

  beginAtom(): void {
    this.#atoms.push(this.#offset);
  }

  /** The current atom is the last that branches ahead can reach; resolves them. */
  endSection(): void {
    for (const target of this.#ahead) this.#resolve(target);
    this.#ahead = [];
  }

  #resolve(target: ForwardTarget): void {
    for (let hop = target.hop; hop > 0; hop--) {
      const atom = this.#atoms[Math.min(target.atom + hop, this.#atoms.length - 1)];
      try {
        const word = encode(target.row, { ...target.operands, imm: atom - target.from + target.plus });
        this.#put(target.at, target.row.length, word);
        return;
      } catch {
        // Too far for the instruction: take one that is nearer.
      }
    }
    throw new Error(`${target.row.name} cannot reach the next atom.`);
  }

  #put(at: number, length: number, word: number): void {
    if (length === 4) this.#view.setUint32(at, word, true);
    else this.#view.setUint16(at, word, true);
  }

  raw(word: number, length: 2 | 4): void {
    this.#put(this.#offset, length, word);
    this.#offset += length;
  }

  emit(name: string, operands: Operands = {}): void {
    this.emitRow(this.rows.named(name), operands);
  }

  emitRow(row: Instruction, operands: Operands): void {
    this.raw(encode(row, operands), row.length);
  }

  emitRandom(row: Instruction, fixed: Operands = {}): void {
    this.raw(this.randomWord(row, fixed), row.length);
  }

  /** The bits that `emitRandom` would write: never those of another row, which some operands of compressed rows make. */
  randomWord(row: Instruction, fixed: Operands = {}): number {
    for (;;) {
      const word = encodeRandom(row, this.random, this, fixed);
      if (this.rows.decoder.find(word)?.id === row.id) return word;
    }
  }

  /** A branch or jump to a random atom ahead; `from` is what its immediate counts from, this place unless given. */
  emitAhead(row: Instruction, operands: Operands, from = this.#offset, plus = 0): void {
    const hop = 1 + this.random.below(6);
    this.#ahead.push({ at: this.#offset, from, row, operands, hop, atom: this.#atoms.length - 1, plus });
    this.#offset += row.length;
  }

  /** A register that atoms may write, among `count` from `first`; x0 now and then. */
  destination(first = 0, count = 32): number {
    for (;;) {
      const register = first + this.random.below(count);
      if (this.isFree(register)) return register;
    }
  }

  /** Like `destination`, but neither x0 nor one of `others`. */
  temporary(...others: number[]): number {
    for (;;) {
      const register = this.destination();
      if (register !== 0 && !others.includes(register)) return register;
    }
  }

  isFree(register: number): boolean {
    const { physicalBase, virtualBase, counters } = this.plan;
    return ![LINK, physicalBase, virtualBase, ...counters].includes(register);
  }

  /** Whether the row's implied destination, if it has one, may be written. */
  mayWrite(row: Instruction): boolean {
    const { rd }: Format = FORMATS[row.format];
    return rd === undefined || rd.width !== 0 || this.isFree(rd.plus);
  }

  source(): number {
    return this.random.below(32);
  }

  choose<T>(list: readonly T[]): T {
    return list[this.random.below(list.length)];
  }

  /** True once in `n` times. */
  once(n: number): boolean {
    return this.random.below(n) === 0;
  }

  /** Loads any constant; `value` counts modulo 2^xlen. */
  constant(rd: number, value: bigint): void {
    const wanted = BigInt.asIntN(this.rows.xlen, value);
    if (BigInt.asIntN(32, wanted) === wanted) {
      this.#constant32(rd, Number(wanted));
      return;
    }
    const low = BigInt.asIntN(12, wanted);
    this.constant(rd, (wanted - low) >> 12n);
    this.emit('slli', { rd, rs1: rd, imm: 12 });
    if (low !== 0n) this.emit('addi', { rd, rs1: rd, imm: Number(low) });
  }

  #constant32(rd: number, value: number): void {
    const low = (value << 20) >> 20;
    const high = (value - low) | 0;
    if (high === 0) {
      this.emit('addi', { rd, rs1: 0, imm: low });
      return;
    }
    this.emit('lui', { rd, imm: high });
    if (low !== 0) this.emit(this.rows.xlen === 64 ? 'addiw' : 'addi', { rd, rs1: rd, imm: low });
  }

  /** Puts the address of the code `distance` bytes from here into `rd`; takes 8 bytes. */
  address(rd: number, distance: number): void {
    this.emit('auipc', { rd, imm: 0 });
    this.emit('addi', { rd, rs1: rd, imm: distance });
  }
}
