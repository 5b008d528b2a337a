/** Register, CSR and address look-ups for debuggers, tests and state digests; never on a hot path. */

import type { VcpuInspection } from '../cpu/vcpu.js';
import type { Hart } from './hart.js';
import { WORD } from './hart-state.js';

const F0 = 32;

/** Values are unsigned and zero-extended; a write cuts them to the register's width and ends a lockup. */
export class HartInspection implements VcpuInspection {
  readonly #hart: Hart;
  readonly #width: number;

  constructor(hart: Hart) {
    this.#hart = hart;
    this.#width = hart.xlen;
  }

  get privilege(): number {
    return this.#hart.state.privilege;
  }

  readRegister(index: number): bigint {
    return BigInt.asUintN(this.#width, this.#hart.state.registers[index]);
  }

  /** A write to x0 is ignored. */
  writeRegister(index: number, value: bigint): void {
    if (index !== 0) this.#hart.state.registers[index] = BigInt.asUintN(this.#width, value);
    this.#hart.unlock();
  }

  /** f0..f31 as 64 bits, a single NaN-boxed; zero on RV32, which has none. */
  readFloat(index: number): bigint {
    return this.#hart.state.registers[F0 + index];
  }

  /** Without regard to mstatus.FS, and without setting it; ignored on RV32. */
  writeFloat(index: number, value: bigint): void {
    if (this.#hart.xlen === 64) this.#hart.state.registers[F0 + index] = BigInt.asUintN(64, value);
    this.#hart.unlock();
  }

  readPc(): bigint {
    const { pc, pcHigh } = this.#hart.state;
    return join(pc, pcHigh);
  }

  /** Bit 0, which a program counter does not have, is dropped. */
  writePc(value: bigint): void {
    const high = this.#hart.xlen === 64 ? highWord(value) : 0;
    this.#hart.state.setPc(lowWord(value) & ~1, high);
    this.#hart.unlock();
  }

  /** CSR by its number, as M mode would read it with mstatus.FS on; undefined when it does not exist. */
  readCsr(csr: number): bigint | undefined {
    const { csrs } = this.#hart;
    return csrs.read(csr) ? BigInt.asUintN(this.#width, join(csrs.valueLow, csrs.valueHigh)) : undefined;
  }

  /** As M mode would write it, with all that follows; false when the CSR does not exist or is read-only. */
  writeCsr(csr: number, value: bigint): boolean {
    const { csrs, xlen } = this.#hart;
    if (csr >> 10 === 3 || !csrs.read(csr)) return false;
    this.#hart.csrChanged(csrs.write(csr, lowWord(value), xlen === 64 ? highWord(value) : 0, 0));
    this.#hart.unlock();
    return true;
  }

  /** U, S or M mode (0, 1, 3), as a debugger's `priv` register is written; modes that do not exist are ignored. */
  writePrivilege(privilege: number): void {
    const exists = privilege === 0 || privilege === 3 || (privilege === 1 && this.#hart.xlen === 64);
    if (!exists) return;
    this.#hart.state.words[WORD.privilege] = privilege;
    this.#hart.mmu.modeChanged();
    this.#hart.unlock();
  }

  /** Where a load from this address would go now, without side effects and without regard to rights; undefined where nothing is mapped. */
  translateForDebug(va: bigint): number | undefined {
    return this.#hart.mmu.peek(lowWord(va), highWord(va));
  }
}

const lowWord = (value: bigint): number => Number(BigInt.asIntN(32, value));
const highWord = (value: bigint): number => Number(BigInt.asIntN(32, value >> 32n));
const join = (low: number, high: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
