/** Bounded reading of ELF structures: every offset is checked against the file before a byte is touched. */

import { VmmError } from '../errors.js';

/** What is known of the file once its header has been read. */
export interface ElfHeader {
  readonly is64: boolean;
  readonly type: number;
  readonly machine: number;
  readonly entry: number;
  readonly programHeaders: ElfTable;
  readonly sectionHeaders: ElfTable;
}

export interface ElfTable {
  readonly offset: number;
  readonly entryBytes: number;
  readonly count: number;
}

export interface ProgramHeader {
  readonly type: number;
  readonly offset: number;
  readonly virtualAddress: number;
  readonly physicalAddress: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
}

export interface SectionHeader {
  readonly type: number;
  readonly offset: number;
  readonly bytes: number;
  readonly link: number;
  readonly entryBytes: number;
}

const EI_CLASS = 4;
const EI_DATA = 5;
const ELFCLASS32 = 1;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const HEADER_BYTES = { 32: 52, 64: 64 } as const;
const PROGRAM_HEADER_BYTES = { 32: 32, 64: 56 } as const;
const SECTION_HEADER_BYTES = { 32: 40, 64: 64 } as const;

/** An ELF file being read. Everything wrong with it is a VmmError `VMM_IMAGE` that names the file. */
export class ElfReader {
  readonly #view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    readonly name: string,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The error that answers a broken file; for the caller to throw. */
  error(problem: string, hint?: string): VmmError {
    return new VmmError('VMM_IMAGE', `${this.name}: ${problem}`, {
      where: this.name,
      ...(hint === undefined ? {} : { hint }),
    });
  }

  /** Fails unless [offset, offset + length) lies in the file. */
  need(offset: number, length: number, what: string): void {
    if (offset + length <= this.bytes.length) return;
    throw this.error(
      `the file is truncated: ${what} ends at byte ${offset + length}, the file at ${this.bytes.length}`,
      'Build or copy the image again.',
    );
  }

  u16(offset: number): number {
    return this.#view.getUint16(offset, true);
  }

  u32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  /** A 64-bit field as a number; one of 2^53 or more comes out inexact, and is refused by every use of it. */
  u64(offset: number): number {
    return this.u32(offset) + this.u32(offset + 4) * 0x1_0000_0000;
  }

  header(): ElfHeader {
    const { bytes } = this;
    if (!isElf(bytes)) throw this.error('this is not an ELF file');
    this.need(0, HEADER_BYTES[32], 'the ELF header');
    const elfClass = bytes[EI_CLASS];
    if (elfClass !== ELFCLASS32 && elfClass !== ELFCLASS64) throw this.error(`ELF class ${elfClass} does not exist`);
    if (bytes[EI_DATA] !== ELFDATA2LSB) throw this.error('the image is big-endian; guests are little-endian');
    const is64 = elfClass === ELFCLASS64;
    if (is64) this.need(0, HEADER_BYTES[64], 'the ELF header');
    const counts = is64 ? 54 : 42;
    return {
      is64,
      type: this.u16(16),
      machine: this.u16(18),
      entry: is64 ? this.u64(24) : this.u32(24),
      programHeaders: {
        offset: is64 ? this.u64(32) : this.u32(28),
        entryBytes: this.u16(counts),
        count: this.u16(counts + 2),
      },
      sectionHeaders: {
        offset: is64 ? this.u64(40) : this.u32(32),
        entryBytes: this.u16(counts + 4),
        count: this.u16(counts + 6),
      },
    };
  }

  programHeaders(header: ElfHeader): ProgramHeader[] {
    const minimum = PROGRAM_HEADER_BYTES[header.is64 ? 64 : 32];
    return this.#table(header.programHeaders, minimum, 'program header', (at) => this.#programHeader(at, header.is64));
  }

  sectionHeaders(header: ElfHeader): SectionHeader[] {
    const minimum = SECTION_HEADER_BYTES[header.is64 ? 64 : 32];
    return this.#table(header.sectionHeaders, minimum, 'section header', (at) => this.#sectionHeader(at, header.is64));
  }

  #table<T>(table: ElfTable, minimum: number, what: string, parse: (at: number) => T): T[] {
    if (table.count === 0) return [];
    if (table.entryBytes < minimum) throw this.error(`a ${what} of ${table.entryBytes} bytes is too short`);
    this.need(table.offset, table.entryBytes * table.count, `the ${what} table`);
    return Array.from({ length: table.count }, (_, i) => parse(table.offset + i * table.entryBytes));
  }

  #programHeader(at: number, is64: boolean): ProgramHeader {
    if (is64)
      return {
        type: this.u32(at),
        offset: this.u64(at + 8),
        virtualAddress: this.u64(at + 16),
        physicalAddress: this.u64(at + 24),
        fileBytes: this.u64(at + 32),
        memoryBytes: this.u64(at + 40),
      };
    return {
      type: this.u32(at),
      offset: this.u32(at + 4),
      virtualAddress: this.u32(at + 8),
      physicalAddress: this.u32(at + 12),
      fileBytes: this.u32(at + 16),
      memoryBytes: this.u32(at + 20),
    };
  }

  #sectionHeader(at: number, is64: boolean): SectionHeader {
    return {
      type: this.u32(at + 4),
      offset: is64 ? this.u64(at + 24) : this.u32(at + 16),
      bytes: is64 ? this.u64(at + 32) : this.u32(at + 20),
      link: this.u32(at + (is64 ? 40 : 24)),
      entryBytes: is64 ? this.u64(at + 56) : this.u32(at + 36),
    };
  }
}

/** The file begins as every ELF file does. */
export function isElf(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}
