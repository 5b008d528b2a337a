/** Picks the format of a guest image: ELF by its magic number, raw by its name. */

import { VmmError } from '../errors.js';
import { BOARD } from './board-map.js';
import { loadElf } from './elf.js';
import { isElf } from './elf-reader.js';
import type { GuestImage } from './guest-image.js';
import { isLinuxImage } from './linux-image.js';

export { type GuestImage, type ImageSegment, type ImageTarget, placeImage } from './guest-image.js';

/** Files that are often given by mistake: none of them can be the first instruction of a guest worth running. */
const FOREIGN: readonly { readonly magic: readonly number[]; readonly problem: string; readonly hint: string }[] = [
  { magic: [0x1f, 0x8b], problem: 'is compressed by gzip', hint: 'Unpack it with gunzip.' },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], problem: 'is compressed by xz', hint: 'Unpack it with unxz.' },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], problem: 'is compressed by zstd', hint: 'Unpack it with unzstd.' },
  { magic: [0x50, 0x4b, 0x03, 0x04], problem: 'is a ZIP archive', hint: 'Unpack it first.' },
  { magic: [0x3a, 0x31, 0x30], problem: 'is an Intel HEX file', hint: 'Convert it: objcopy -I ihex -O binary.' },
  { magic: [0x3a, 0x30, 0x32], problem: 'is an Intel HEX file', hint: 'Convert it: objcopy -I ihex -O binary.' },
  { magic: [0x53, 0x30], problem: 'is a Motorola S-record file', hint: 'Convert it: objcopy -I srec -O binary.' },
  {
    magic: [0x21, 0x3c, 0x61, 0x72, 0x63, 0x68, 0x3e],
    problem: 'is an archive of object files',
    hint: 'Link it first.',
  },
  { magic: [0x23, 0x21], problem: 'is a script', hint: 'Name the image that the script starts.' },
];

/** A name that no file has: embedding code made it up for bytes that it made itself. */
const MADE_UP = /^[^./\\]+$/;
const RAW_NAME = /\.(bin|img|raw)$/i;
const ELF_NAME = /\.elf$/i;

/**
 * Reads a guest image. A raw image lies and starts at `ramBase`; any bytes could be one, so a file is taken for raw only
 * when its name ends in `.bin`, `.img` or `.raw`, or when it is the name of no file: without a dot and without a slash.
 * @throws VmmError `VMM_IMAGE`, one sentence that names `name`, when it is neither a good ELF nor a plausible raw image.
 */
export function parseImage(bytes: Uint8Array, name: string, ramBase: number = BOARD.ram.base): GuestImage {
  if (bytes.length === 0) throw refusal(name, 'the file is empty', 'Build the guest again.');
  if (isElf(bytes)) return loadElf(bytes, name);
  const foreign = FOREIGN.find(({ magic }) => magic.every((byte, i) => bytes[i] === byte));
  if (foreign !== undefined) throw refusal(name, `the file ${foreign.problem}`, foreign.hint);
  if (isLinuxImage(bytes))
    throw refusal(name, 'the file is a Linux kernel, which starts in S mode', 'Give it as the kernel: --kernel FILE.');
  if (!RAW_NAME.test(name) && !MADE_UP.test(name)) throw notElf(bytes, name);
  return {
    name,
    format: 'raw',
    entry: ramBase,
    xlen: undefined,
    segments: [{ gpa: ramBase, bytes, memoryBytes: bytes.length }],
    hypercalls: 'none',
    startPrivilege: 3,
  };
}

function notElf(bytes: Uint8Array, name: string): VmmError {
  if (isText(bytes)) {
    return refusal(name, 'the file is a text file and no guest image', 'Give the path of an ELF file.');
  }
  if (ELF_NAME.test(name)) {
    return refusal(name, 'the file is not an ELF file, whatever its name says', 'Build or copy the image again.');
  }
  return refusal(name, 'the file is not an ELF file', 'To run it as a raw image, give it a name that ends in .bin.');
}

const TEXT_SAMPLE = 4096;

function isText(bytes: Uint8Array): boolean {
  return bytes.subarray(0, TEXT_SAMPLE).every((byte) => (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13));
}

function refusal(name: string, problem: string, hint: string): VmmError {
  return new VmmError('VMM_IMAGE', `${name}: ${problem}`, { where: name, hint });
}
