/** A guest image as the loader sees it, whatever file format it came in, and its way into RAM. */

import type { HypercallMode } from '../cpu/vcpu.js';
import { VmmError } from '../errors.js';

/** Bytes that go to a place in guest memory. */
export interface ImageSegment {
  /** Guest physical address of the first byte. */
  readonly gpa: number;
  readonly bytes: Uint8Array;
  /** Bytes occupied in memory, `bytes.length` or more; the rest is zero. */
  readonly memoryBytes: number;
}

export interface GuestImage {
  /** As error messages name it, usually the file's name. */
  readonly name: string;
  readonly format: 'elf' | 'raw' | 'linux' | 'parts';
  /** Where execution starts: guest physical address. */
  readonly entry: number;
  /** Register width that the image asks for; a raw image does not say. */
  readonly xlen: 32 | 64 | undefined;
  /** By ascending address, never overlapping. */
  readonly segments: readonly ImageSegment[];
  /** Which of its `ecall`s it wants answered. */
  readonly hypercalls: HypercallMode;
  /** The mode in which it starts: 1 = S, 3 = M. */
  readonly startPrivilege: 1 | 3;
  /** Where its initial RAM disk lies, which is one of the segments. */
  readonly initrd?: { readonly gpa: number; readonly length: number };
  /** Where firmware passes control to, when the image is firmware and something else. */
  readonly nextPc?: number;
}

/** Guest RAM as the loader needs it. */
export interface ImageTarget {
  readonly ramBase: number;
  readonly ramBytes: number;
  write(gpa: number, bytes: Uint8Array): void;
}

/**
 * Copies every segment into RAM, which is zero before.
 * @throws VmmError `VMM_IMAGE` when a segment does not lie in RAM as a whole; nothing is written then.
 */
export function placeImage(image: GuestImage, ram: ImageTarget): void {
  const end = ram.ramBase + ram.ramBytes;
  for (const { gpa, memoryBytes } of image.segments) {
    if (gpa >= ram.ramBase && gpa + memoryBytes <= end) continue;
    throw new VmmError(
      'VMM_IMAGE',
      `${image.name}: the segment at ${range(gpa, gpa + memoryBytes)} does not fit into RAM at ${range(ram.ramBase, end)}`,
      { where: image.name, hint: 'Link the image for this RAM, or give the guest more.' },
    );
  }
  for (const { gpa, bytes } of image.segments) ram.write(gpa, bytes);
}

function range(start: number, end: number): string {
  return `[0x${start.toString(16)}, 0x${end.toString(16)})`;
}
