/** Compares what two executions of an image left in RAM, program by program, and explains the first difference. */

import { canonicalSlot } from './canonical.js';
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
import { listProgram } from './listing.js';
import type { GeneratedProgram } from './program-generator.js';

/** What one side left, and its name. */
export interface Side {
  readonly name: string;
  readonly isQemu: boolean;
  /** RAM from `IMAGE_BASE`. */
  readonly ram: Uint8Array;
}

export interface Difference {
  readonly program: GeneratedProgram;
  /** What a person needs: seed, field, both values, listing. */
  readonly text: string;
}

/** The first program, in the order they ran, that the two sides do not agree on; undefined when they agree on all. */
export function firstDifference(image: ProgramImage, expected: Side, actual: Side): Difference | undefined {
  for (const program of image.programs) {
    const base = slotGpa(program.xlen, program.slot) - IMAGE_BASE;
    const end = base + slotBytes(program.xlen);
    if (Buffer.compare(expected.ram.subarray(base, end), actual.ram.subarray(base, end)) === 0) continue;
    // Two engines of ours have nothing to differ in.
    const isExact = !expected.isQemu && !actual.isQemu;
    const [a, b] = [expected, actual].map(({ ram, isQemu }) =>
      isExact ? ram.slice(base, end) : canonicalSlot(program, ram, isQemu),
    );
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
    `Program ${program.seed} of RV${program.xlen} (slot ${program.slot}) ends differently; ${JSON.stringify(program.traits)}`,
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
