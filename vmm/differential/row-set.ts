/** The instruction table sorted by what the generator may do with a row. */

import { Decoder } from '../isa/decoder.js';
import { type Instruction, RV32IMAC, RV64GC, selectInstructions } from '../isa/instruction-table.js';

const LOADS = /^l[bhwd]u?$/;
const STORES = /^s[bhwd]$/;
const FLOAT_LOADS = /^fl[wd]$/;
const FLOAT_STORES = /^fs[wd]$/;
const BRANCHES = /^b(eq|ne|ltu?|geu?)$/;
const JUMPS = /^jalr?$/;
const ATOMICS = /^(amo|lr\.|sc\.)/;
const OTHERS = /^(fence|fence\.i|ecall|ebreak|mret|sret|wfi|sfence\.vma|csrr.*)$/;

/** QEMU 7.2 goes on counting in the upper half when the lower one is zero; an atom of its own keeps it from there. */
const COUNTS_TOO_FAR = 'ctzw';

/** Bytes that a load, store or atomic accesses. */
export function accessBytes(name: string): number {
  const letter = /^(?:amo\w+|lr|sc)\.([wd])$/.exec(name)?.[1] ?? /^f?[ls]([bhwd])u?$/.exec(name)?.[1];
  return 2 ** 'bhwd'.indexOf(letter ?? 'b');
}

/** Rows of one hart's instruction set by use; compressed rows stand in the list of the row they expand to. */
export class RowSet {
  readonly decoder: Decoder;
  /** Only registers are read and written, and nothing traps. */
  readonly integer: readonly Instruction[];
  readonly floating: readonly Instruction[];
  readonly loads: readonly Instruction[];
  readonly stores: readonly Instruction[];
  readonly branches: readonly Instruction[];
  readonly atomics: readonly Instruction[];
  readonly #rows: readonly Instruction[];

  constructor(readonly xlen: 32 | 64) {
    const rows = selectInstructions(xlen, xlen === 32 ? RV32IMAC : RV64GC);
    this.#rows = rows;
    this.decoder = new Decoder(rows);
    const expanded = (pattern: RegExp) => rows.filter((row) => pattern.test(this.expandedName(row)));
    this.loads = [...expanded(LOADS), ...expanded(FLOAT_LOADS)];
    this.stores = [...expanded(STORES), ...expanded(FLOAT_STORES)];
    this.branches = expanded(BRANCHES);
    this.atomics = expanded(ATOMICS);
    const special = new Set([
      ...this.loads,
      ...this.stores,
      ...this.branches,
      ...this.atomics,
      ...expanded(JUMPS),
      ...expanded(OTHERS),
    ]);
    const plain = rows.filter((row) => !special.has(row) && row.name !== COUNTS_TOO_FAR);
    this.floating = plain.filter((row) => row.extension === 'F' || row.extension === 'D');
    this.integer = plain.filter((row) => row.extension !== 'F' && row.extension !== 'D');
  }

  /** The row of this name; throws an `Error` when the hart lacks it. */
  named(name: string): Instruction {
    const row = this.#rows.find((candidate) => candidate.name === name);
    if (row === undefined) throw new Error(`RV${this.xlen} has no row "${name}".`);
    return row;
  }

  /** Name of the 32-bit row that a row is or abbreviates. */
  expandedName(row: Instruction): string {
    return this.#rows.find((candidate) => candidate.length === 4 && candidate.id === row.id)?.name ?? row.name;
  }
}
