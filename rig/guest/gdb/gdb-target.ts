/** A guest as GDB sees it: registers by GDB's numbers, memory by virtual address, and a description of both. */

import { CSR, type Machine, type Vcpu } from '../../../vmm/index.js';

/** GDB's register numbers (GDB manual, "RISC-V Features"): x0..x31, pc, f0..f31, CSRs by their number from 65 on. */
const PC = 32;
const FIRST_FLOAT = 33;
const FIRST_CSR = 65;
const LAST_CSR = FIRST_CSR + 0xfff;
const FLOAT_CSRS: readonly (readonly [name: string, csr: number])[] = [
  ['fflags', 1],
  ['frm', 2],
  ['fcsr', 3],
];
const PAGE = 0x1000n;
const MISA_D = 1n << 3n;

export class GdbTarget {
  readonly #machine: Machine;
  readonly #vcpu: Vcpu;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#vcpu = machine.core.vcpu;
  }

  /** x0..x31 and pc, as the packet `g` has them: target byte order, hexadecimal. */
  generalRegisters(): string {
    let text = '';
    for (let number = 0; number <= PC; number++) text += this.readRegister(number) ?? '';
    return text;
  }

  /** The packet `G`; false when it is too short. */
  writeGeneralRegisters(text: string): boolean {
    const digits = this.#vcpu.xlen / 4;
    if (text.length < digits * (PC + 1)) return false;
    for (let number = 0; number <= PC; number++)
      if (!this.writeRegister(number, text.slice(number * digits, (number + 1) * digits))) return false;
    return true;
  }

  /** Undefined when there is no such register. */
  readRegister(number: number): string | undefined {
    const { xlen } = this.#vcpu;
    if (number < PC) return littleEndian(this.#vcpu.readRegister(number), xlen);
    if (number === PC) return littleEndian(this.#vcpu.readPc(), xlen);
    if (number < FIRST_CSR) {
      const value = this.#hasFloat ? this.#vcpu.readFloat(number - FIRST_FLOAT) : undefined;
      return value === undefined ? undefined : littleEndian(value, 64);
    }
    if (number > LAST_CSR) return undefined;
    const value = this.#vcpu.readCsr(number - FIRST_CSR);
    return value === undefined ? undefined : littleEndian(value, xlen);
  }

  /** False when there is no such register, or it cannot be written, or the text is no value of its size. */
  writeRegister(number: number, text: string): boolean {
    const { xlen } = this.#vcpu;
    const isFloat = number >= FIRST_FLOAT && number < FIRST_CSR;
    if (!/^[0-9a-f]+$/i.test(text) || text.length !== (isFloat ? 16 : xlen / 4)) return false;
    const value = fromLittleEndian(text);
    if (number < PC) this.#vcpu.writeRegister(number, value);
    else if (number === PC) this.#writePc(value);
    else if (isFloat) {
      if (!this.#hasFloat) return false;
      this.#vcpu.writeFloat(number - FIRST_FLOAT, value);
    } else return number <= LAST_CSR && this.#vcpu.writeCsr(number - FIRST_CSR, value);
    return true;
  }

  /** As many bytes from virtual address `va` as are RAM, at most `length`; empty when the first one is not. */
  readMemory(va: bigint, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const piece = this.#piece(va + BigInt(done), length - done);
      if (piece === undefined) break;
      bytes.set(this.#machine.memory.read(piece.gpa, piece.length), done);
      done += piece.length;
    }
    return bytes.subarray(0, done);
  }

  /** All or nothing; false when a byte is not RAM. */
  writeMemory(va: bigint, bytes: Uint8Array): boolean {
    const pieces: { readonly gpa: number; readonly length: number }[] = [];
    for (let done = 0; done < bytes.length; ) {
      const piece = this.#piece(va + BigInt(done), bytes.length - done);
      if (piece === undefined) return false;
      pieces.push(piece);
      done += piece.length;
    }
    let done = 0;
    for (const { gpa, length } of pieces) {
      this.#machine.memory.write(gpa, bytes.subarray(done, done + length));
      this.#vcpu.invalidateCode(gpa, length);
      done += length;
    }
    return true;
  }

  /** `target.xml`: what registers there are. */
  description(): string {
    const { xlen } = this.#vcpu;
    const names = ['zero', 'ra', 'sp', 'gp', 'tp', 't0', 't1', 't2', 'fp', 's1', ...numbered('a', 0, 7)];
    names.push(...numbered('s', 2, 11), ...numbered('t', 3, 6));
    const types: Readonly<Record<string, string>> = { ra: 'code_ptr', sp: 'data_ptr', gp: 'data_ptr', tp: 'data_ptr' };
    const cpu = names.map((name, i) => register(name, xlen, i, types[name] ?? 'int'));
    cpu.push(register('pc', xlen, PC, 'code_ptr'));
    const features = [feature('org.gnu.gdb.riscv.cpu', cpu)];
    const hasFloat = this.#hasFloat;
    if (hasFloat) features.push(feature('org.gnu.gdb.riscv.fpu', floatRegisters()));
    const isFloatCsr = (csr: number): boolean => FLOAT_CSRS.some(([, number]) => number === csr);
    const csrs = Object.entries(CSR)
      .filter(([, csr]) => !(hasFloat && isFloatCsr(csr)) && this.#vcpu.readCsr(csr) !== undefined)
      .map(([name, csr]) => register(name, xlen, FIRST_CSR + csr, 'int'));
    features.push(feature('org.gnu.gdb.riscv.csr', csrs));
    const head = `<?xml version="1.0"?>\n<!DOCTYPE target SYSTEM "gdb-target.dtd">\n`;
    return `${head}<target version="1.0">\n<architecture>riscv:rv${xlen}</architecture>\n${features.join('')}</target>\n`;
  }

  /** `misa` has D. */
  get #hasFloat(): boolean {
    return ((this.#vcpu.readCsr(CSR.misa) ?? 0n) & MISA_D) !== 0n;
  }

  #writePc(value: bigint): void {
    this.#vcpu.writePc(value);
    // Elsewhere it need not wait.
    if (this.#machine.core.activity === 'idle') this.#machine.core.activity = 'running';
  }

  /** The part of RAM at `va`, up to the end of its page. */
  #piece(va: bigint, most: number): { readonly gpa: number; readonly length: number } | undefined {
    const wide = BigInt.asUintN(this.#vcpu.xlen, va);
    const length = Math.min(most, Number(PAGE - (wide % PAGE)));
    const gpa = this.#vcpu.translateForDebug(wide);
    return gpa !== undefined && this.#machine.memory.contains(gpa, length) ? { gpa, length } : undefined;
  }
}

function numbered(letter: string, first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, i) => `${letter}${first + i}`);
}

function floatRegisters(): string[] {
  const names = [
    ...numbered('ft', 0, 7),
    'fs0',
    'fs1',
    ...numbered('fa', 0, 7),
    ...numbered('fs', 2, 11),
    ...numbered('ft', 8, 11),
  ];
  const lines = names.map((name, i) => register(name, 64, FIRST_FLOAT + i, 'riscv_double'));
  lines.push(...FLOAT_CSRS.map(([name, csr]) => register(name, 32, FIRST_CSR + csr, 'int')));
  const union =
    '<union id="riscv_double"><field name="float" type="ieee_single"/><field name="double" type="ieee_double"/></union>\n';
  return [union, ...lines];
}

function feature(name: string, lines: readonly string[]): string {
  return `<feature name="${name}">\n${lines.join('')}</feature>\n`;
}

function register(name: string, bits: number, number: number, type: string): string {
  return `<reg name="${name}" bitsize="${bits}" regnum="${number}" type="${type}"/>\n`;
}

function littleEndian(value: bigint, bits: number): string {
  let text = '';
  for (let shift = 0; shift < bits; shift += 8) {
    text += Number((value >> BigInt(shift)) & 0xffn)
      .toString(16)
      .padStart(2, '0');
  }
  return text;
}

function fromLittleEndian(text: string): bigint {
  const bytes = text.match(/../g) ?? [];
  return bytes.length === 0 ? 0n : BigInt(`0x${bytes.reverse().join('')}`);
}
