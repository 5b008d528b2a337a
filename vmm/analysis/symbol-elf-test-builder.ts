/** ELF images with symbols from assembly text, for tests of the analysis. */

import { buildElf } from '../boot/elf-test-builder.js';
import type { Program } from '../isa/assembler.js';

const SECTION_BYTES = 40;
const SYMBOL_BYTES = 16;
const SYMTAB = 2;
const STRTAB = 3;
const FUNCTION = 2;

/** The program as one segment, with the labels `names` as functions. */
export function symbolElf(program: Program, names: readonly string[]): Uint8Array {
  const code = buildElf({ entry: program.origin, segments: [{ gpa: program.origin, bytes: [...program.bytes] }] });
  const text = new TextEncoder().encode(`\0${names.join('\0')}\0`);
  const symbolsAt = Math.ceil(code.length / 4) * 4;
  const textAt = symbolsAt + SYMBOL_BYTES * names.length;
  const sectionsAt = Math.ceil((textAt + text.length) / 4) * 4;
  const file = new Uint8Array(sectionsAt + 3 * SECTION_BYTES);
  file.set(code);
  file.set(text, textAt);
  const view = new DataView(file.buffer);
  let nameAt = 1;
  names.forEach((name, i) => {
    const at = symbolsAt + SYMBOL_BYTES * i;
    view.setUint32(at, nameAt, true);
    view.setUint32(at + 4, program.symbols.get(name) ?? 0, true);
    view.setUint8(at + 12, FUNCTION);
    nameAt += name.length + 1;
  });
  const section = (index: number, fields: Readonly<Record<number, number>>): void => {
    for (const [offset, value] of Object.entries(fields))
      view.setUint32(sectionsAt + SECTION_BYTES * index + Number(offset), value, true);
  };
  // Offsets in a section header: type 4, offset 16, size 20, link 24, entry size 36.
  section(1, { 4: SYMTAB, 16: symbolsAt, 20: SYMBOL_BYTES * names.length, 24: 2, 36: SYMBOL_BYTES });
  section(2, { 4: STRTAB, 16: textAt, 20: text.length });
  view.setUint32(32, sectionsAt, true);
  view.setUint16(48, 3, true);
  return file;
}
