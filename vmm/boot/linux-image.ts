/** The header of a RISC-V Linux `Image` (Linux, Documentation/arch/riscv/boot-image-header.rst). */

import { VmmError } from '../errors.js';
import type { GuestImage } from './guest-image.js';

/** Offsets of the fields that a loader needs; numbers are little-endian. */
const HEADER = { textOffset: 0x08, imageSize: 0x10, flags: 0x18, magic2: 0x38, bytes: 0x40 } as const;
/** `RSC` and 5. */
const MAGIC2 = 0x0543_5352;
const BIG_ENDIAN = 1;
/** Kernels for 32-bit harts lie 4 MiB behind the start of RAM, those for 64-bit harts 2 MiB: a large page. */
const TEXT_OFFSET_32 = 0x40_0000;
const U32 = 0x1_0000_0000;

/** The file is an uncompressed kernel image. */
export function isLinuxImage(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER.bytes && viewOf(bytes).getUint32(HEADER.magic2, true) === MAGIC2;
}

/**
 * A kernel that starts in S mode at its first byte, where its header wants to lie behind `ramBase`. It occupies what the
 * header says, zeroes behind the file included.
 * @throws VmmError `VMM_IMAGE` for a header that contradicts itself.
 */
export function loadLinuxImage(bytes: Uint8Array, name: string, ramBase: number): GuestImage {
  const view = viewOf(bytes);
  const word64 = (offset: number): number => view.getUint32(offset, true) + view.getUint32(offset + 4, true) * U32;
  const textOffset = word64(HEADER.textOffset);
  const imageSize = word64(HEADER.imageSize);
  if ((view.getUint32(HEADER.flags, true) & BIG_ENDIAN) !== 0)
    throw refusal(name, 'the kernel is big-endian; guests are little-endian');
  if (!Number.isSafeInteger(ramBase + textOffset + Math.max(imageSize, bytes.length)) || textOffset % 2 !== 0)
    throw refusal(name, 'the header of the kernel names a place that cannot be');
  const gpa = ramBase + textOffset;
  return {
    name,
    format: 'linux',
    entry: gpa,
    xlen: textOffset === TEXT_OFFSET_32 ? 32 : 64,
    segments: [{ gpa, bytes, memoryBytes: Math.max(imageSize, bytes.length) }],
    hypercalls: 'none',
    startPrivilege: 1,
  };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function refusal(name: string, problem: string): VmmError {
  return new VmmError('VMM_IMAGE', `${name}: ${problem}`, { where: name, hint: 'Build or copy the kernel again.' });
}
