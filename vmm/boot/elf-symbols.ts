/** The symbol table of an ELF image: where its functions and objects lie, for diagnosis and for reading guests by name. */

import { ElfReader, isElf } from './elf-reader.js';

export interface ElfSymbol {
  readonly name: string;
  /** Virtual address. */
  readonly address: number;
  /** Bytes; 0 when the assembler did not say. */
  readonly size: number;
  readonly kind: 'function' | 'object' | 'other';
}

const SHT_SYMTAB = 2;
const SHT_STRTAB = 3;
const SYMBOL_BYTES = { 32: 16, 64: 24 } as const;
const KINDS = ['other', 'object', 'function'] as const;
/** Longest name that is read; C++ templates stay below. */
const MAX_NAME_BYTES = 4096;
/** Symbols may share names, but not so many that reading them takes memory far beyond the file's size. */
const MAX_NAME_SHARING = 4;

/**
 * Named symbols of `bytes`, by ascending address; none when the image is raw or stripped.
 * @throws VmmError `VMM_IMAGE` when the tables reach beyond the file or contradict each other.
 */
export function readElfSymbols(bytes: Uint8Array, name = 'image'): ElfSymbol[] {
  if (!isElf(bytes)) return [];
  const reader = new ElfReader(bytes, name);
  const header = reader.header();
  const sections = reader.sectionHeaders(header);
  const table = sections.find((section) => section.type === SHT_SYMTAB);
  if (table === undefined) return [];
  const strings = sections[table.link];
  if (strings === undefined || strings.type !== SHT_STRTAB) throw reader.error('the symbol table has no string table');
  reader.need(table.offset, table.bytes, 'the symbol table');
  reader.need(strings.offset, strings.bytes, 'the string table');
  const entryBytes = SYMBOL_BYTES[header.is64 ? 64 : 32];
  const symbols: ElfSymbol[] = [];
  let nameBytes = 0;
  for (let at = table.offset; at + entryBytes <= table.offset + table.bytes; at += entryBytes) {
    const symbolName = readName(bytes, strings.offset + reader.u32(at), strings.offset + strings.bytes);
    if (symbolName === '') continue;
    nameBytes += symbolName.length;
    if (nameBytes > MAX_NAME_SHARING * bytes.length) throw reader.error('the symbol names are longer than the file');
    symbols.push({
      name: symbolName,
      address: header.is64 ? reader.u64(at + 8) : reader.u32(at + 4),
      size: header.is64 ? reader.u64(at + 16) : reader.u32(at + 8),
      kind: KINDS[bytes[at + (header.is64 ? 4 : 12)] & 0xf] ?? 'other',
    });
  }
  return symbols.sort((a, b) => a.address - b.address);
}

function readName(bytes: Uint8Array, start: number, end: number): string {
  const limit = Math.min(end, start + MAX_NAME_BYTES);
  let stop = start;
  while (stop < limit && bytes[stop] !== 0) stop++;
  return start < stop ? new TextDecoder().decode(bytes.subarray(start, stop)) : '';
}
