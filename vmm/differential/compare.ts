/** Compares what two executions of an image left in RAM, program by program, and explains the first difference. */

import type { ProgramImage } from './image-builder.js';
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
import { listProgram, rowAt } from './listing.js';
import type { GeneratedProgram } from './program-generator.js';

/** What one side left, and its name. */
export interface Side {
  readonly name: string;
  /** RAM from `IMAGE_BASE`. */
  readonly ram: Uint8Array;
}

export interface Difference {
  readonly program: GeneratedProgram;
  /** What a person needs: seed, field, both values, listing. */
  readonly text: string;
}

const CAUSE = { breakpoint: 3, loadMisaligned: 4, loadAccess: 5, storeAccess: 7, loadPage: 13, storePage: 15 } as const;
const FAULTS: ReadonlySet<number> = new Set([CAUSE.loadAccess, CAUSE.storeAccess, CAUSE.loadPage, CAUSE.storePage]);
const PTE_ACCESSED_DIRTY = 0xc0;
/** FS and SD: how precisely a hart keeps them is its own affair (Privileged specification 1.12, section 3.1.6.6). */
const FLOAT_DIRTY = 0x8000_0000_0000_6000n;

/** The slot's bytes, with everything that harts may differ in (`docs/differential.md`) made the same. */
function canonicalSlot(program: GeneratedProgram, ram: Uint8Array): Uint8Array {
  const base = slotGpa(program.xlen, program.slot) - IMAGE_BASE;
  const slot = ram.slice(base, base + slotBytes(program.xlen));
  const view = new DataView(slot.buffer);
  const count = (at: number, capacity: number): number => Math.min(view.getUint32(at, true), capacity);
  const traps = count(FIELD.trapCount, TRAP_CAPACITY);
  let amoFaulted = false;
  for (let i = 0; i < traps; i++) {
    if (canonicalTrap(program, view, FIELD.traps + TRAP_BYTES * i)) amoFaulted = true;
  }
  const supervisorTraps = count(FIELD.supervisorTrapCount, SUPERVISOR_TRAP_CAPACITY);
  for (let i = 0; i < supervisorTraps; i++) {
    const at = FIELD.supervisorTraps + TRAP_BYTES * i;
    const isLeft = program.xlen === 64 && isLeftBy(view, at);
    if (canonicalTrap(program, view, at)) amoFaulted = true;
    if (isLeft) copyTrapToCsrs(view, at);
  }
  if (program.xlen === 64) canonicalLastCause(view);
  if (amoFaulted && program.paging !== undefined) clearAccessed(program, view);
  if (program.xlen === 64) {
    recordedCsrs(64).forEach(([name], i) => {
      if (name === 'mstatus' || name === 'sstatus') clearFloatDirty(view, FIELD.resultCsr + 8 * i);
    });
  }
  return slot;
}

function clearFloatDirty(view: DataView, at: number): void {
  view.setBigUint64(at, view.getBigUint64(at, true) & ~FLOAT_DIRTY, true);
}

const csrAt = (name: string): number => FIELD.resultCsr + 8 * recordedCsrs(64).findIndex(([other]) => other === name);
const SCAUSE_AT = csrAt('scause');
const STVAL_AT = csrAt('stval');

/** Where S mode's handler itself cannot be fetched, its last trap is not recorded, but stands in the registers. */
function canonicalLastCause(view: DataView): void {
  const cause = view.getBigUint64(SCAUSE_AT, true);
  if (cause === BigInt(CAUSE.breakpoint)) view.setBigUint64(STVAL_AT, 0n, true);
  if (cause === BigInt(CAUSE.loadAccess) || cause === BigInt(CAUSE.storeAccess)) {
    view.setBigUint64(STVAL_AT, view.getBigUint64(STVAL_AT, true) & ~7n, true);
  }
  if (
    cause === BigInt(CAUSE.loadMisaligned) ||
    cause === BigInt(CAUSE.loadAccess) ||
    cause === BigInt(CAUSE.loadPage)
  ) {
    view.setBigUint64(SCAUSE_AT, cause + 2n, true);
  }
}

/** Whether the program's last `scause` and `stval` are those of the trap at `at`: the handler gave up there. */
function isLeftBy(view: DataView, at: number): boolean {
  const isSame = (csr: number, field: number): boolean =>
    view.getBigUint64(csr, true) === view.getBigUint64(at + field, true);
  return isSame(SCAUSE_AT, 0) && isSame(STVAL_AT, 16);
}

function copyTrapToCsrs(view: DataView, at: number): void {
  view.setBigUint64(SCAUSE_AT, view.getBigUint64(at, true), true);
  view.setBigUint64(STVAL_AT, view.getBigUint64(at + 16, true), true);
}

/**
 * QEMU 7.2 translates an AMO's load before its store: where one of them faults, it sets A and D otherwise than a hart that
 * translates both at once.
 */
function clearAccessed(program: GeneratedProgram, view: DataView): void {
  const tables = [SLOT.rootTable, SLOT.middleTable, SLOT.leafTable];
  for (const { gpa } of program.paging?.entries ?? []) {
    const at = gpa - slotGpa(program.xlen, program.slot);
    if (tables.some((table) => at >= table && at < table + 0x1000)) {
      view.setUint32(at, view.getUint32(at, true) & ~PTE_ACCESSED_DIRTY, true);
    }
  }
}

/** Whether the trap is a fault of an AMO at a place that is aligned. */
function canonicalTrap(program: GeneratedProgram, view: DataView, at: number): boolean {
  const cause = view.getUint32(at, true);
  const isException = view.getUint32(at + (program.xlen === 32 ? 0 : 4), true) < 0x8000_0000;
  if (program.xlen === 64) clearFloatDirty(view, at + 24);
  if (!isException) return false;
  // The value of a breakpoint is its address or nothing.
  if (cause === CAUSE.breakpoint) view.setBigUint64(at + 16, 0n, true);
  // Of a misaligned access to what is no RAM, QEMU 7.2 tells the aligned part that it tried.
  if (cause === CAUSE.loadAccess || cause === CAUSE.storeAccess) {
    view.setBigUint64(at + 16, view.getBigUint64(at + 16, true) & ~7n, true);
  }
  const row = rowAt(program.xlen, view, SLOT.code + (view.getUint32(at + 8, true) & 0xfff));
  if (row?.name.startsWith('amo') !== true) return false;
  if (cause === CAUSE.loadMisaligned || cause === CAUSE.loadAccess || cause === CAUSE.loadPage) {
    // QEMU 7.2 calls the faults of an AMO's load half those of a load.
    view.setUint32(at, cause + 2, true);
  }
  return FAULTS.has(cause);
}

/** The first program, in the order they ran, that the two sides do not agree on; undefined when they agree on all. */
export function firstDifference(image: ProgramImage, expected: Side, actual: Side): Difference | undefined {
  for (const program of image.programs) {
    const base = slotGpa(program.xlen, program.slot) - IMAGE_BASE;
    const end = base + slotBytes(program.xlen);
    if (Buffer.compare(expected.ram.subarray(base, end), actual.ram.subarray(base, end)) === 0) continue;
    const a = canonicalSlot(program, expected.ram);
    const b = canonicalSlot(program, actual.ram);
    if (Buffer.compare(a, b) !== 0) return { program, text: explain(program, [expected.name, a], [actual.name, b]) };
  }
  return undefined;
}

type NamedSlot = readonly [name: string, slot: Uint8Array];

const MOST_LINES = 24;

function explain(program: GeneratedProgram, [expectedName, a]: NamedSlot, [actualName, b]: NamedSlot): string {
  const viewA = new DataView(a.buffer);
  const viewB = new DataView(b.buffer);
  const different: string[] = [];
  for (let at = 0; at < a.length; at += 8) {
    const [valueA, valueB] = [viewA.getBigUint64(at, true), viewB.getBigUint64(at, true)];
    if (valueA === valueB) continue;
    different.push(
      `${nameOf(program, at)}: ${expectedName} 0x${valueA.toString(16)}, ${actualName} 0x${valueB.toString(16)}`,
    );
  }
  const shown = different.slice(0, MOST_LINES);
  if (shown.length < different.length) shown.push(`and ${different.length - shown.length} more`);
  return [
    `Program ${program.seed} of RV${program.xlen} (slot ${program.slot}) ends differently; ${JSON.stringify(program.traits, (_, value) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value))}`,
    ...shown,
    `traps of ${expectedName}:`,
    ...trapLines(viewA),
    `traps of ${actualName}:`,
    ...trapLines(viewB),
    ...listProgram(program),
  ].join('\n');
}

const TRAP_FIELDS = ['cause', 'epc', 'tval', 'status'];

function nameOf(program: GeneratedProgram, at: number): string {
  const within = (from: number, to: number): boolean => at >= from && at < to;
  if (within(FIELD.resultX, FIELD.resultF)) return `x${(at - FIELD.resultX) / 8}`;
  if (within(FIELD.resultF, FIELD.resultCsr)) return `f${(at - FIELD.resultF) / 8}`;
  if (within(FIELD.resultCsr, FIELD.trapCount)) {
    return recordedCsrs(program.xlen)[(at - FIELD.resultCsr) / 8]?.[0] ?? 'fcsr';
  }
  if (at === FIELD.trapCount) return 'traps';
  if (at === FIELD.supervisorTrapCount) return 'supervisor traps';
  if (within(FIELD.traps, FIELD.supervisorTraps)) return trapName('trap', at - FIELD.traps);
  if (within(FIELD.supervisorTraps, FIELD.end_)) return trapName('supervisor trap', at - FIELD.supervisorTraps);
  if (within(SLOT.data, SLOT.rootTable)) return `data + 0x${(at - SLOT.data).toString(16)}`;
  return `slot + 0x${at.toString(16)}`;
}

const trapName = (kind: string, offset: number): string =>
  `${kind} ${Math.floor(offset / TRAP_BYTES)} ${TRAP_FIELDS[(offset % TRAP_BYTES) / 8]}`;

function trapLines(view: DataView): string[] {
  const lines: string[] = [];
  for (const [kind, countAt, from, capacity] of [
    ['trap', FIELD.trapCount, FIELD.traps, TRAP_CAPACITY],
    ['supervisor trap', FIELD.supervisorTrapCount, FIELD.supervisorTraps, SUPERVISOR_TRAP_CAPACITY],
  ] as const) {
    for (let i = 0; i < Math.min(view.getUint32(countAt, true), capacity); i++) {
      const fields = TRAP_FIELDS.map(
        (name, n) => `${name} ${hex(view.getBigUint64(from + TRAP_BYTES * i + 8 * n, true))}`,
      );
      lines.push(`  ${kind} ${i}: ${fields.join(' ')}`);
    }
  }
  return lines;
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;
