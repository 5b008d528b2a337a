/** Makes the same what QEMU 7.2 and a hart of ours may differ in, and nothing else; `docs/differential.md` has the reasons. */

import {
  FIELD,
  IMAGE_BASE,
  recordedCsrs,
  SLOT,
  SUPERVISOR_TRAP_CAPACITY,
  slotBytes,
  slotGpa,
  TRAP_BYTES,
  TRAP_CAPACITY,
} from './image-layout.js';
import { rowAt } from './listing.js';
import { type GeneratedProgram, ROWS } from './program-generator.js';
import { accessBytes } from './row-set.js';

const CAUSE = {
  breakpoint: 3,
  loadMisaligned: 4,
  loadAccess: 5,
  storeAccess: 7,
  loadPage: 13,
  storePage: 15,
} as const;

/** FS and SD: how precisely a hart keeps them is its own affair (Privileged specification 1.12, section 3.1.6.6). */
const FLOAT_DIRTY = 0x8000_0000_0000_6000n;

/** Bits A and D of a page table entry. */
const ACCESSED_DIRTY = 0xc0;

/** A copy of the program's slot for comparison of QEMU's RAM (`isQemu`) with an engine's. */
export function canonicalSlot(program: GeneratedProgram, ram: Uint8Array, isQemu: boolean): Uint8Array {
  const base = slotGpa(program.xlen, program.slot) - IMAGE_BASE;
  const slot = ram.slice(base, base + slotBytes(program.xlen));
  const view = new DataView(slot.buffer);
  let hasAtomicFault = false;
  for (const at of trapOffsets(view)) {
    if (canonicalTrap(program, view, at, isQemu)) hasAtomicFault = true;
  }
  if (hasAtomicFault) setAccessed(program, view, base);
  if (program.xlen === 64) {
    for (const [i, [name]] of recordedCsrs(64).entries()) {
      if (name === 'mstatus' || name === 'sstatus') clearFloatDirty(view, FIELD.resultCsr + 8 * i);
    }
  }
  return slot;
}

/** Where the recorded traps lie, in both logs. */
function trapOffsets(view: DataView): number[] {
  const offsets = (count: number, capacity: number, from: number): number[] =>
    Array.from({ length: Math.min(view.getUint32(count, true), capacity) }, (_, i) => from + TRAP_BYTES * i);
  return [
    ...offsets(FIELD.trapCount, TRAP_CAPACITY, FIELD.traps),
    ...offsets(FIELD.supervisorTrapCount, SUPERVISOR_TRAP_CAPACITY, FIELD.supervisorTraps),
  ];
}

function clearFloatDirty(view: DataView, at: number): void {
  view.setBigUint64(at, view.getBigUint64(at, true) & ~FLOAT_DIRTY, true);
}

/** The accessed and dirty bits of every page that the program can have touched. */
function setAccessed(program: GeneratedProgram, view: DataView, base: number): void {
  for (const { gpa } of program.paging?.entries ?? []) {
    const at = gpa - IMAGE_BASE - base;
    view.setUint32(at, view.getUint32(at, true) | ACCESSED_DIRTY, true);
  }
}

/** True for a fault of an AMO, after which QEMU and we disagree on what its halves have done to the page's entry. */
function canonicalTrap(program: GeneratedProgram, view: DataView, at: number, isQemu: boolean): boolean {
  const cause = view.getUint32(at, true);
  const isException = view.getUint32(at + (program.xlen === 32 ? 0 : 4), true) < 0x8000_0000;
  if (program.xlen === 64) clearFloatDirty(view, at + 24);
  if (!isException) return false;
  // The value of a breakpoint is its address or nothing.
  if (cause === CAUSE.breakpoint) view.setBigUint64(at + 16, 0n, true);
  const isAccess = cause === CAUSE.loadAccess || cause === CAUSE.storeAccess;
  const isPage = cause === CAUSE.loadPage || cause === CAUSE.storePage;
  if (!isAccess && !isPage && cause !== CAUSE.loadMisaligned) return false;
  const row = rowAt(program.xlen, view, SLOT.code + (view.getUint32(at + 8, true) & 0xfff));
  if (row === undefined) return false;
  // Of a misaligned access outside RAM QEMU says where its aligned part is.
  const size = BigInt(accessBytes(ROWS[program.xlen].expandedName(row)));
  if (isAccess) view.setBigUint64(at + 16, view.getBigUint64(at + 16, true) & -size, true);
  if (!row.name.startsWith('amo')) return false;
  // The faults of an AMO's load half are those of a load to QEMU, those of a store by the specification.
  const isLoad = cause === CAUSE.loadMisaligned || cause === CAUSE.loadAccess || cause === CAUSE.loadPage;
  if (isQemu && isLoad) view.setUint32(at, cause + 2, true);
  return isAccess || isPage;
}
