/** What the rings in guest RAM have in common: their area is checked once, and indices are free-running u32. */

import { VmmError } from '../errors.js';
import type { GuestRam } from './guest-ram.js';

/** Both rings put their first entry here when the rig lays them out. */
export const RING_HEADER_BYTES = 0x200;

/** @throws VmmError `VMM_CONFIG` when `value` is not a power of two of at least `minimum`. */
export function checkPowerOfTwo(value: number, minimum: number, what: string, where: string): void {
  if (Number.isInteger(value) && value >= minimum && value <= 2 ** 30 && (value & (value - 1)) === 0) return;
  throw new VmmError(
    'VMM_CONFIG',
    `${what} of the ${where} must be a power of two of at least ${minimum}, not ${value}`,
    {
      where,
    },
  );
}

/** @throws VmmError `VMM_CONFIG` when [base, base + length) is not RAM or not 64-byte aligned. */
export function checkRingArea(ram: GuestRam, base: number, length: number, where: string): void {
  if (base % 64 === 0 && ram.contains(base, length)) return;
  throw new VmmError(
    'VMM_CONFIG',
    `the ${where} at 0x${base.toString(16)} (${length} bytes) must be 64-byte aligned and lie in RAM as a whole`,
    { where },
  );
}

/** Distance between two free-running indices. */
export function ringDistance(head: number, tail: number): number {
  return (head - tail) >>> 0;
}

/**
 * Copies `count` units of `unit` bytes between `buffer` (from its start) and the ring of `entries` units at `gpa`,
 * beginning at free-running `index` and going round the end: one or two accesses.
 */
export function copyRing(
  access: (gpa: number, buffer: Uint8Array, offset: number, length: number) => void,
  gpa: number,
  entries: number,
  index: number,
  buffer: Uint8Array,
  count: number,
  unit: number,
): void {
  const place = index & (entries - 1);
  const first = Math.min(count, entries - place);
  if (first > 0) access(gpa + place * unit, buffer, 0, first * unit);
  if (count > first) access(gpa, buffer, first * unit, (count - first) * unit);
}
