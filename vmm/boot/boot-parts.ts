/** Puts firmware, a kernel and its initial RAM disk together into one image, each at the place where it belongs. */

import { VmmError } from '../errors.js';
import { BOARD } from './board-map.js';
import type { GuestImage, ImageSegment } from './guest-image.js';
import { parseImage } from './image.js';
import { isLinuxImage, loadLinuxImage } from './linux-image.js';

/** A file of which an image is made. */
export interface BootPart {
  readonly bytes: Uint8Array;
  /** As error messages name it. */
  readonly name: string;
}

export interface BootParts {
  /** Firmware in M mode, at the start of RAM or where its ELF file says. */
  readonly bios?: BootPart;
  /** What runs in S mode: a Linux `Image`, an ELF file, or raw bytes for `KERNEL_GPA`. */
  readonly kernel?: BootPart;
  /** Goes to the end of RAM, below what the rig itself keeps there. */
  readonly initrd?: BootPart;
  readonly ramBytes: number;
}

/** Where OpenSBI's fw_jump expects the next stage of a 64-bit guest (2 MiB behind the start of RAM). */
export const KERNEL_GPA = BOARD.ram.base + 0x20_0000;
/** Kept free at the end of RAM for device tree and rings. */
const TOP_BYTES = 0x10_0000;
const PAGE = 0x1000;

interface Placed {
  readonly name: string;
  readonly segment: ImageSegment;
}

/**
 * One image of all parts. With firmware it starts there in M mode, and the firmware is told where the kernel is; without,
 * the kernel starts in S mode and the monitor answers its SBI calls.
 * @throws VmmError `VMM_IMAGE`, in one sentence, for a file that is none of these, for parts that overlap or are of
 * different widths; `VMM_CONFIG` for an initial RAM disk without a kernel, and for nothing at all.
 */
export function composeImage(parts: BootParts): GuestImage {
  const bios = parts.bios === undefined ? undefined : parseImage(parts.bios.bytes, parts.bios.name);
  const kernel = parts.kernel === undefined ? undefined : readKernel(parts.kernel);
  const first = bios ?? kernel;
  if (first === undefined) throw new VmmError('VMM_CONFIG', 'There is neither firmware nor a kernel to start.');
  if (parts.initrd !== undefined && kernel === undefined)
    throw new VmmError('VMM_CONFIG', 'An initial RAM disk needs a kernel that looks for it.');
  const initrd = parts.initrd === undefined ? undefined : placeInitrd(parts.initrd, parts.ramBytes);
  const images = [bios, kernel].filter((image) => image !== undefined);
  const placed = images.flatMap(({ name, segments }) => segments.map((segment) => ({ name, segment })));
  if (initrd !== undefined) placed.push(initrd);
  return {
    name: kernel?.name ?? first.name,
    format: 'parts',
    entry: first.entry,
    xlen: commonWidth(images),
    segments: withoutOverlap(placed),
    hypercalls: bios === undefined ? 'supervisor' : 'none',
    startPrivilege: bios === undefined ? 1 : 3,
    ...(initrd === undefined ? {} : { initrd: { gpa: initrd.segment.gpa, length: initrd.segment.memoryBytes } }),
    ...(bios === undefined || kernel === undefined ? {} : { nextPc: kernel.entry }),
  };
}

function readKernel({ bytes, name }: BootPart): GuestImage {
  if (isLinuxImage(bytes)) return loadLinuxImage(bytes, name, BOARD.ram.base);
  return parseImage(bytes, name, KERNEL_GPA);
}

function placeInitrd({ bytes, name }: BootPart, ramBytes: number): Placed {
  if (bytes.length === 0) throw new VmmError('VMM_IMAGE', `${name}: the file is empty`, { where: name });
  const end = BOARD.ram.base + ramBytes - TOP_BYTES;
  const gpa = Math.floor((end - bytes.length) / PAGE) * PAGE;
  if (gpa < BOARD.ram.base) {
    throw new VmmError(
      'VMM_IMAGE',
      `${name}: the initial RAM disk of ${bytes.length} bytes does not fit into ${ramBytes} bytes of RAM`,
      { where: name, hint: 'Give the guest more RAM.' },
    );
  }
  return { name, segment: { gpa, bytes, memoryBytes: bytes.length } };
}

/** By ascending address. */
function withoutOverlap(placed: readonly Placed[]): ImageSegment[] {
  const sorted = [...placed].sort((a, b) => a.segment.gpa - b.segment.gpa);
  for (let i = 1; i < sorted.length; i++) {
    const [before, after] = [sorted[i - 1], sorted[i]];
    if (before.segment.gpa + before.segment.memoryBytes <= after.segment.gpa) continue;
    const at = `0x${after.segment.gpa.toString(16)}`;
    throw new VmmError('VMM_IMAGE', `${before.name} reaches into ${after.name}, which lies at ${at}`, {
      where: at,
      hint: 'Give the guest more RAM, or link the parts for different addresses.',
    });
  }
  return sorted.map(({ segment }) => segment);
}

function commonWidth(images: readonly GuestImage[]): 32 | 64 | undefined {
  const known = images.filter((image) => image.xlen !== undefined);
  const [first, second] = known;
  if (second !== undefined && second.xlen !== first.xlen)
    throw new VmmError('VMM_IMAGE', `${first.name} has ${first.xlen} bits, and ${second.name} has ${second.xlen}`, {
      where: second.name,
      hint: 'Give firmware and kernel for the same register width.',
    });
  return first?.xlen;
}
