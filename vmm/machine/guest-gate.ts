/** The one place through which anything enters a guest: it stamps, journals and applies it. */

import type { Vcpu } from '../cpu/vcpu.js';
import type { JournalWriter } from '../journal/journal-writer.js';
import { OutputDigest } from '../journal/output-digest.js';

/**
 * Inputs: `mip` bits, MMIO values, access faults, hypercall results, `time`; DMA comes through `DmaGate`. MMIO writes and
 * hypercalls pass here too, to be certified. Everything carries the retired-instruction count at which it happened.
 * `mip` changes made while an exit is being handled reach the guest after the instruction that caused the exit.
 */
export class GuestGate {
  readonly digest = new OutputDigest();
  #exit: 'none' | 'read' | 'read-announced' | 'write' | 'hypercall' = 'none';
  #gpa = 0;
  #size = 0;
  #heldSet = 0;
  #heldClear = 0;

  constructor(
    readonly vcpu: Vcpu,
    readonly journal: JournalWriter | undefined,
  ) {}

  /** Sets or clears bits of `mip`. */
  setPending(bits: number, pending: boolean): void {
    if (this.#exit !== 'none') {
      this.#heldSet = pending ? this.#heldSet | bits : this.#heldSet & ~bits;
      this.#heldClear = pending ? this.#heldClear & ~bits : this.#heldClear | bits;
      return;
    }
    this.journal?.interrupts(this.vcpu.instret, pending ? bits : 0, pending ? 0 : bits);
    this.vcpu.setInterruptPending(bits, pending);
  }

  /** Passes on what `time` reads as of `instret`. */
  time(instret: number, ticks: number): number {
    this.journal?.time(instret, ticks);
    return ticks;
  }

  beginRead(gpa: number, size: number): void {
    this.#exit = 'read';
    this.#gpa = gpa;
    this.#size = size;
  }

  completeRead(value: number, valueHigh: number): void {
    this.journal?.mmioRead(this.vcpu.instret, this.#gpa, this.#size, value, valueHigh);
    this.vcpu.completeMmioRead(value, valueHigh);
    this.#endExit();
  }

  beginWrite(gpa: number, size: number, value: number, valueHigh: number): void {
    this.#exit = 'write';
    const instret = this.vcpu.instret;
    this.digest.mmioWrite(instret, gpa, size, value, valueHigh);
    this.journal?.mmioWrite(instret, gpa, size, value, valueHigh);
  }

  completeWrite(): void {
    this.vcpu.completeMmioWrite();
    this.#endExit();
  }

  /** Ends the MMIO exit that was begun with an access fault. */
  fault(): void {
    if (this.#exit === 'write') this.journal?.storeFault(this.vcpu.instret);
    else this.journal?.loadFault(this.vcpu.instret, this.#gpa, this.#size);
    this.vcpu.completeAccessFault();
    this.#endExit();
  }

  /** `registers` as `CALL` lays them out. */
  beginHypercall(registers: Uint32Array): void {
    this.#exit = 'hypercall';
    const instret = this.vcpu.instret;
    this.digest.hypercall(instret, registers);
    this.journal?.hypercall(instret, registers);
  }

  completeHypercall(error: number, value: number | undefined): void {
    this.journal?.hypercallResult(this.vcpu.instret, error, value);
    this.vcpu.completeHypercall(error, value);
    this.#endExit();
  }

  /** The guest's trap handler traps itself. */
  lockup(): void {
    this.journal?.lockup(this.vcpu.instret);
  }

  /** Called before DMA touches RAM, so that a replay knows whether an MMIO read had begun. */
  beforeDma(): void {
    if (this.#exit !== 'read') return;
    this.#exit = 'read-announced';
    this.journal?.mmioReadOpen(this.vcpu.instret, this.#gpa, this.#size);
  }

  #endExit(): void {
    this.#exit = 'none';
    if ((this.#heldSet | this.#heldClear) === 0) return;
    const set = this.#heldSet;
    const clear = this.#heldClear;
    this.#heldSet = 0;
    this.#heldClear = 0;
    this.journal?.interrupts(this.vcpu.instret, set, clear);
    if (set !== 0) this.vcpu.setInterruptPending(set, true);
    if (clear !== 0) this.vcpu.setInterruptPending(clear, false);
  }
}
