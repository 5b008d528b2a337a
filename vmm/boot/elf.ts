/** The ELF loader: RISC-V executables of 32 and 64 bits, segments by physical address, and the note asking for hypercalls. */

import { ElfReader, type ProgramHeader } from './elf-reader.js';
import type { GuestImage, ImageSegment } from './guest-image.js';

/** The ELF note of docs/guest-abi.md. */
export const RIGVISOR_NOTE = { name: 'rigvisor', type: 1, abiVersion: 1, hypercalls: 1 << 0 } as const;

const EM_RISCV = 243;
const ET_EXEC = 2;
const ET_DYN = 3;
const PT_LOAD = 1;
const PT_INTERP = 3;
const PT_NOTE = 4;
const NOTE_HEADER_BYTES = 12;

const MACHINES: Readonly<Record<number, string>> = {
  3: 'x86',
  8: 'MIPS',
  20: 'PowerPC',
  40: 'Arm',
  62: 'x86-64',
  94: 'Xtensa',
  183: 'AArch64',
};

/**
 * Reads an ELF executable. Segments lie at their physical addresses, as QEMU loads them; a position-independent image
 * (OpenSBI) runs where it was linked.
 * @throws VmmError `VMM_IMAGE`, one sentence that names `name`, for whatever is wrong with the file.
 */
export function loadElf(bytes: Uint8Array, name = 'image'): GuestImage {
  const reader = new ElfReader(bytes, name);
  const header = reader.header();
  if (header.machine !== EM_RISCV) {
    const machine = MACHINES[header.machine] ?? `machine ${header.machine}`;
    throw reader.error(`the image is for ${machine}, not for RISC-V`, 'Build it with a RISC-V compiler.');
  }
  if (header.type !== ET_EXEC && header.type !== ET_DYN)
    throw reader.error('the file is not an executable (an object file or a core dump?)', 'Link it first.');
  const programHeaders = reader.programHeaders(header);
  if (programHeaders.some((p) => p.type === PT_INTERP))
    throw reader.error('the executable needs a dynamic linker of an operating system', 'Link it with -static.');
  const loadable = programHeaders.filter((p) => p.type === PT_LOAD && p.memoryBytes > 0);
  if (loadable.length === 0) throw reader.error('the image has no segment to load');
  return {
    name,
    format: 'elf',
    entry: physicalEntry(reader, header.entry, loadable),
    xlen: header.is64 ? 64 : 32,
    segments: readSegments(reader, loadable),
    hypercalls: programHeaders.some((p) => p.type === PT_NOTE && asksForHypercalls(reader, p)) ? 'machine' : 'none',
    startPrivilege: 3,
  };
}

function readSegments(reader: ElfReader, loadable: readonly ProgramHeader[]): ImageSegment[] {
  const segments = loadable.map((p) => readSegment(reader, p)).sort((a, b) => a.gpa - b.gpa);
  for (let i = 1; i < segments.length; i++) {
    const before = segments[i - 1];
    if (before.gpa + before.memoryBytes <= segments[i].gpa) continue;
    throw reader.error(`the segments at 0x${before.gpa.toString(16)} and 0x${segments[i].gpa.toString(16)} overlap`);
  }
  return segments;
}

function readSegment(reader: ElfReader, p: ProgramHeader): ImageSegment {
  const at = `the segment at 0x${p.physicalAddress.toString(16)}`;
  if (p.fileBytes > p.memoryBytes) throw reader.error(`${at} has more bytes in the file than in memory`);
  if (!Number.isSafeInteger(p.physicalAddress + p.memoryBytes))
    throw reader.error(`${at} reaches beyond the address space`);
  if (!Number.isSafeInteger(p.virtualAddress + p.memoryBytes))
    throw reader.error(`${at} has a virtual address beyond the address space`);
  reader.need(p.offset, p.fileBytes, at);
  return {
    gpa: p.physicalAddress,
    bytes: reader.bytes.subarray(p.offset, p.offset + p.fileBytes),
    // Data that start-up code copies elsewhere occupies its file bytes here, and its zeroes only there.
    memoryBytes: p.virtualAddress === p.physicalAddress ? p.memoryBytes : p.fileBytes,
  };
}

function physicalEntry(reader: ElfReader, entry: number, loadable: readonly ProgramHeader[]): number {
  const home = loadable.find((p) => entry >= p.virtualAddress && entry < p.virtualAddress + p.fileBytes);
  if (home === undefined) throw reader.error(`the entry point 0x${entry.toString(16)} lies outside every segment`);
  if (entry % 2 !== 0) throw reader.error(`the entry point 0x${entry.toString(16)} is odd`);
  return entry - home.virtualAddress + home.physicalAddress;
}

function asksForHypercalls(reader: ElfReader, p: ProgramHeader): boolean {
  reader.need(p.offset, p.fileBytes, 'the note segment');
  const end = p.offset + p.fileBytes;
  for (let at = p.offset; at + NOTE_HEADER_BYTES <= end; ) {
    const nameBytes = reader.u32(at);
    const descriptorBytes = reader.u32(at + 4);
    const nameAt = at + NOTE_HEADER_BYTES;
    const descriptorAt = nameAt + align4(nameBytes);
    if (descriptorAt + descriptorBytes > end) throw reader.error('a note reaches beyond its segment');
    if (reader.u32(at + 8) === RIGVISOR_NOTE.type && isOurs(reader.bytes, nameAt, nameBytes))
      return readFlags(reader, descriptorAt, descriptorBytes);
    at = descriptorAt + align4(descriptorBytes);
  }
  return false;
}

function readFlags(reader: ElfReader, at: number, length: number): boolean {
  if (length < 8) throw reader.error(`the rigvisor note has ${length} bytes instead of 8`);
  const version = reader.u32(at);
  if (version !== RIGVISOR_NOTE.abiVersion)
    throw reader.error(
      `the image asks for guest ABI version ${version}; this monitor has ${RIGVISOR_NOTE.abiVersion}`,
      'Rebuild it with the SDK of this version.',
    );
  return (reader.u32(at + 4) & RIGVISOR_NOTE.hypercalls) !== 0;
}

function isOurs(bytes: Uint8Array, at: number, length: number): boolean {
  const { name } = RIGVISOR_NOTE;
  if (length !== name.length + 1 || bytes[at + name.length] !== 0) return false;
  for (let i = 0; i < name.length; i++) if (bytes[at + i] !== name.charCodeAt(i)) return false;
  return true;
}

function align4(length: number): number {
  return Math.ceil(length / 4) * 4;
}
