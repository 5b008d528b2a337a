/** The tablet's movements and what its reports must be. */

import type { PointerStep } from '../protocol.js';

/** As many as the device keeps without loss. */
export const BURST = 12;

/** Steps of which QEMU merges none: the button changes with each. */
export function pointerSteps(first: number, count: number): PointerStep[] {
  return Array.from({ length: count }, (_, i) => ({
    x: ((first + i) * 257) & 0x7fff,
    y: ((first + i) * 1021) & 0x7fff,
    left: (first + i) % 2 === 0,
  }));
}

/** What the tablet says of a step: buttons, X and Y (QEMU, hw/input/hid.c, hid_pointer_poll). */
export function pointerReport({ x = 0, y = 0, left = false }: PointerStep): number[] {
  return [left ? 1 : 0, x & 0xff, x >> 8, y & 0xff, y >> 8];
}
