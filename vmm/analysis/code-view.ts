/** A guest's code as the analysis reads it: decoded instructions by address, and the names of functions. */

import { readElfSymbols } from '../boot/elf-symbols.js';
import { parseImage } from '../boot/image.js';
import { VmmError } from '../errors.js';
import { createDecodedInstruction, type DecodedInstruction, Decoder } from '../isa/decoder.js';
import { INSTRUCTIONS, RV32IMAC, selectInstructions } from '../isa/instruction-table.js';

/** One instruction of the image. */
export interface CodeInstruction extends Readonly<DecodedInstruction> {
  readonly pc: number;
  readonly name: string;
}

const NAMES = new Map(INSTRUCTIONS.filter((row) => row.length === 4).map((row) => [row.id, row.name]));

/** RV32IMAC code of an ELF image with its symbols. */
export class CodeView {
  readonly name: string;
  readonly #decoder = new Decoder(selectInstructions(32, RV32IMAC));
  readonly #segments: readonly { readonly gpa: number; readonly bytes: Uint8Array }[];
  readonly #symbols = new Map<string, number>();
  readonly #functions: readonly { readonly name: string; readonly address: number }[];

  /** @throws VmmError `VMM_IMAGE` when `bytes` is no 32-bit ELF image with symbols. */
  constructor(bytes: Uint8Array, name: string) {
    const image = parseImage(bytes, name);
    const symbols = readElfSymbols(bytes, name);
    if (image.xlen !== 32 || symbols.length === 0)
      throw new VmmError('VMM_IMAGE', `${name} is no 32-bit ELF image with symbols, so its code cannot be analysed`, {
        where: name,
        hint: 'Link it for RV32 and do not strip its global symbols.',
      });
    this.name = name;
    this.#segments = image.segments;
    for (const symbol of symbols) this.#symbols.set(symbol.name, symbol.address);
    this.#functions = symbols.filter((symbol) => symbol.kind === 'function');
  }

  address(symbol: string): number | undefined {
    return this.#symbols.get(symbol);
  }

  /** Addresses of symbols that begin so, by name. */
  addresses(prefix: string): Map<string, number> {
    return new Map([...this.#symbols].filter(([name]) => name.startsWith(prefix)));
  }

  /** Function in or behind whose start `pc` lies, with the distance. */
  place(pc: number): string {
    const home = this.#functions.findLast((candidate) => candidate.address <= pc);
    if (home === undefined) return `0x${pc.toString(16)}`;
    return pc === home.address ? home.name : `${home.name}+0x${(pc - home.address).toString(16)}`;
  }

  /** Function in which `pc` lies. */
  functionOf(pc: number): string | undefined {
    return this.#functions.findLast((candidate) => candidate.address <= pc)?.name;
  }

  /** @throws VmmError `VMM_IMAGE` where there is no instruction. */
  at(pc: number): CodeInstruction {
    const instruction = this.#decode(pc);
    if (instruction === undefined)
      throw new VmmError('VMM_IMAGE', `${this.name} has no instruction at ${this.place(pc)}, which its code leads to`, {
        where: this.place(pc),
      });
    return instruction;
  }

  /** The instruction in front of the one at `pc`, in the same function. */
  before(pc: number): CodeInstruction | undefined {
    const home = this.#functions.findLast((candidate) => candidate.address <= pc);
    let last: CodeInstruction | undefined;
    for (let at = home?.address ?? pc; at < pc; at += last.length) {
      last = this.#decode(at);
      if (last === undefined) return undefined;
    }
    return last;
  }

  /** Every instruction of the functions, in the order of addresses. */
  *instructions(): Generator<CodeInstruction> {
    for (const [i, { address }] of this.#functions.entries()) {
      const end = this.#functions[i + 1]?.address ?? this.#endOf(address);
      for (let pc = address; pc < end && this.#halfword(pc) !== undefined; ) {
        const instruction = this.#decode(pc);
        if (instruction === undefined) break;
        yield instruction;
        pc += instruction.length;
      }
    }
  }

  #decode(pc: number): CodeInstruction | undefined {
    const decoded = createDecodedInstruction();
    this.#decoder.decode((this.#halfword(pc) ?? 0) | ((this.#halfword(pc + 2) ?? 0) << 16), decoded);
    const name = NAMES.get(decoded.id);
    return name === undefined ? undefined : { ...decoded, pc, name };
  }

  #endOf(address: number): number {
    const home = this.#segments.find(({ gpa, bytes }) => address >= gpa && address < gpa + bytes.length);
    return home === undefined ? address : home.gpa + home.bytes.length;
  }

  #halfword(pc: number): number | undefined {
    const home = this.#segments.find(({ gpa, bytes }) => pc >= gpa && pc + 2 <= gpa + bytes.length);
    return home === undefined ? undefined : home.bytes[pc - home.gpa] | (home.bytes[pc - home.gpa + 1] << 8);
  }
}
