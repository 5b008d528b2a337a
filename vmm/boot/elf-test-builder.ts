/** Builds small ELF files for tests, right in every field until a test spoils one. */

export interface TestSegment {
  readonly type?: number;
  readonly gpa: number;
  readonly virtualAddress?: number;
  readonly bytes: readonly number[];
  readonly memoryBytes?: number;
}

export interface TestElf {
  readonly xlen?: 32 | 64;
  readonly machine?: number;
  readonly type?: number;
  readonly entry?: number;
  readonly segments: readonly TestSegment[];
}

const RISCV = 243;
const EXEC = 2;
const LOAD = 1;

/** Writes `fields` (width in bytes and value) one after the other, little-endian. */
function put(view: DataView, at: number, fields: readonly (readonly [width: 2 | 4 | 8, value: number])[]): void {
  let offset = at;
  for (const [width, value] of fields) {
    if (width === 2) view.setUint16(offset, value, true);
    else if (width === 4) view.setUint32(offset, value, true);
    else view.setBigUint64(offset, BigInt(value), true);
    offset += width;
  }
}

/** The file: header, program headers, then the bytes of each segment. */
export function buildElf(elf: TestElf): Uint8Array {
  const is64 = elf.xlen === 64;
  const word = is64 ? 8 : 4;
  const headerBytes = is64 ? 64 : 52;
  const entryBytes = is64 ? 56 : 32;
  const dataAt = headerBytes + entryBytes * elf.segments.length;
  const file = new Uint8Array(dataAt + elf.segments.reduce((sum, s) => sum + s.bytes.length, 0));
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, 1, 1]);
  put(view, 16, [
    [2, elf.type ?? EXEC],
    [2, elf.machine ?? RISCV],
    [4, 1],
    [word, elf.entry ?? 0x8000_0000],
    [word, headerBytes],
    [word, 0],
    [4, 0],
    [2, headerBytes],
    [2, entryBytes],
    [2, elf.segments.length],
    [2, is64 ? 64 : 40],
    [2, 0],
    [2, 0],
  ]);
  let offset = dataAt;
  elf.segments.forEach((segment, i) => {
    const virtualAddress = segment.virtualAddress ?? segment.gpa;
    const sizes = [
      [word, segment.bytes.length],
      [word, segment.memoryBytes ?? segment.bytes.length],
    ] as const;
    const addresses = [
      [word, offset],
      [word, virtualAddress],
      [word, segment.gpa],
    ] as const;
    const type = [4, segment.type ?? LOAD] as const;
    const fields = is64
      ? [type, [4, 5] as const, ...addresses, ...sizes]
      : [type, ...addresses, ...sizes, [4, 5] as const];
    put(view, headerBytes + i * entryBytes, fields);
    file.set(segment.bytes, offset);
    offset += segment.bytes.length;
  });
  return file;
}

/** Bytes of an ELF note. */
export function buildNote(name: string, type: number, words: readonly number[]): number[] {
  const nameBytes = [...new TextEncoder().encode(`${name}\0`)];
  const padding = new Array<number>((4 - (nameBytes.length % 4)) % 4).fill(0);
  const note = new Uint8Array(12 + 4 * words.length);
  put(new DataView(note.buffer), 0, [
    [4, nameBytes.length],
    [4, 4 * words.length],
    [4, type],
    ...words.map((word) => [4, word] as const),
  ]);
  return [...note.subarray(0, 12), ...nameBytes, ...padding, ...note.subarray(12)];
}
