/** Atoms that access memory: inside the data window aligned, misaligned and across pages, and far outside. */

import { FORMATS, type Format } from '../isa/format.js';
import type { Instruction } from '../isa/instruction-table.js';
import { DATA_BYTES } from './image-layout.js';
import type { ProgramWriter } from './program-writer.js';
import { accessBytes } from './row-set.js';
import { staysAligned, type Traits } from './traits.js';

/** What the atoms know of the data window. */
export interface DataWindow {
  /** Offset in the window that both base registers point to. */
  readonly baseOffset: number;
  /** Addresses that are neither RAM nor a device, or that no page table maps. */
  readonly wild: readonly bigint[];
}

export interface Address {
  readonly rs1: number;
  readonly imm: number;
}

const PAGE = 0x1000;

/** The base register that is most likely to work: the physical one in M mode, or when nothing is translated. */
export function likelyBase(w: ProgramWriter, traits: Traits): number {
  const { physicalBase, virtualBase } = w.plan;
  if (!traits.paged) return w.once(2) ? physicalBase : virtualBase;
  const isUsual = !w.once(8);
  return (traits.startMode === 3) === isUsual ? physicalBase : virtualBase;
}

/** An offset from the base such that `size` bytes lie in the window and within a 12-bit immediate. */
function windowOffset(w: ProgramWriter, window: DataWindow, size: number, isAligned: boolean): number {
  const { random } = w;
  const base = window.baseOffset;
  const low = Math.max(-0x800, -base);
  const high = Math.min(0x7ff - size, DATA_BYTES - base - size);
  let offset = low + random.below(high - low + 1);
  const border = PAGE - base;
  if (!isAligned && size > 1 && w.once(3) && border - size > low && border < high) {
    offset = border - 1 - random.below(size - 1);
  }
  if (isAligned) offset -= (((base + offset) % size) + size) % size;
  return offset < low ? offset + size : offset;
}

/** Emits what makes an address, and says where it is. `rd` may hold it when it is not x0. */
export function emitAddress(
  w: ProgramWriter,
  traits: Traits,
  window: DataWindow,
  size: number,
  aligned: boolean,
): Address {
  const rs1 = likelyBase(w, traits);
  const isAligned = aligned || staysAligned(traits) || !w.once(4);
  switch (w.random.below(traits.calm ? 12 : 14)) {
    case 0:
    case 1: {
      const rd = w.temporary();
      w.emit('addi', { rd, rs1, imm: windowOffset(w, window, size, isAligned) });
      return { rs1: rd, imm: 0 };
    }
    case 2:
    case 3: {
      // A masked register: the address is only known at run time.
      const rd = w.temporary();
      w.emit('andi', { rd, rs1: w.source(), imm: isAligned ? 0x7f8 : 0x7ff });
      w.emit('add', { rd, rs1: rd, rs2: rs1 });
      return { rs1: rd, imm: -0x800 + 8 * w.random.below(0x100 - 1) - (isAligned ? window.baseOffset & 7 : 0) + 8 };
    }
    case 12: {
      const rd = w.temporary();
      w.constant(rd, w.choose(window.wild));
      return { rs1: rd, imm: w.random.below(64) * (isAligned ? size : 1) };
    }
    default:
      return { rs1, imm: windowOffset(w, window, size, isAligned) };
  }
}

export function accessAtom(w: ProgramWriter, traits: Traits, window: DataWindow): void {
  const row = w.choose(w.once(2) ? w.rows.loads : w.rows.stores);
  const size = accessBytes(w.rows.expandedName(row));
  if (row.length === 4) {
    w.emitRandom(row, emitAddress(w, traits, window, size, false));
    return;
  }
  compressedAccess(w, traits, window, row, size);
}

/** The base must be in one of eight registers, or in sp: point it into the window first. */
function compressedAccess(w: ProgramWriter, traits: Traits, window: DataWindow, row: Instruction, size: number): void {
  const format: Format = FORMATS[row.format];
  const pointer = format.rs1?.width === 0 ? format.rs1.plus : w.destination(8, 8);
  if (!w.isFree(pointer)) return;
  const isAligned = staysAligned(traits) || !w.once(6);
  w.emit('addi', {
    rd: pointer,
    rs1: likelyBase(w, traits),
    imm: Math.min(windowOffset(w, window, size, isAligned), 0x5f8 - (window.baseOffset & 7)),
  });
  w.emitRandom(row, format.rs1?.width === 0 ? {} : { rs1: pointer });
}

export function atomicAtom(w: ProgramWriter, traits: Traits, window: DataWindow): void {
  const row = w.choose(w.rows.atomics.filter((candidate) => candidate.name.startsWith('amo')));
  const size = accessBytes(row.name);
  // Where the page forbids the store and protection or the bus the load, QEMU's AMO faults for its load first.
  const isPlain = traits.paged && staysAligned(traits);
  const { rs1, imm } = isPlain
    ? { rs1: w.plan.physicalBase, imm: windowOffset(w, window, size, true) }
    : emitAddress(w, traits, window, size, !w.once(8));
  const pointer = w.temporary();
  w.emit('addi', { rd: pointer, rs1, imm });
  w.emitRandom(row, { rs1: pointer });
}

/**
 * Whether every LR and SC that `reservationAtom` writes can reach its word: QEMU's SC without a reservation fails without
 * accessing memory, so that it cannot trap where ours does.
 */
export function canReserve(traits: Traits): boolean {
  if (traits.protectedData) return false;
  return !traits.paged || [traits.startMode, ...traits.modes].every((mode) => mode !== 0);
}

/** LR and SC, with or without something between them, at the same or another aligned word of the window. */
export function reservationAtom(w: ProgramWriter, window: DataWindow): void {
  const suffix = w.rows.xlen === 64 && w.once(2) ? 'd' : 'w';
  const size = suffix === 'd' ? 8 : 4;
  const pointer = w.temporary();
  const other = w.temporary(pointer);
  const rs1 = w.plan.physicalBase;
  w.emit('addi', { rd: pointer, rs1, imm: windowOffset(w, window, size, true) });
  w.emit('addi', { rd: other, rs1, imm: windowOffset(w, window, size, true) });
  w.emitRandom(w.rows.named(`lr.${suffix}`), { rs1: pointer, rd: w.temporary(pointer, other) });
  if (w.once(3)) {
    const written = w.once(2) ? pointer : other;
    w.emitRandom(w.rows.named('sw'), { rs1: written, imm: 0 });
  }
  if (w.once(8)) return;
  w.emitRandom(w.rows.named(`sc.${suffix}`), { rs1: w.once(4) ? other : pointer, rd: w.temporary(pointer, other) });
  if (w.once(2)) w.emitRandom(w.rows.named(`sc.${suffix}`), { rs1: pointer, rd: w.temporary(pointer, other) });
}
