/** A hart put together: state, protection, translation, CSRs and data path, and the events that touch several of them. */

import type { GuestMemory } from '../cpu/guest-memory.js';
import type { VcpuHost } from '../cpu/vcpu.js';
import { AtomicUnit } from './atomics.js';
import { CodeGuard } from './code-guard.js';
import { CSR_EFFECT, CsrFile } from './csr-file.js';
import { DataPath } from './data-path.js';
import { HartState, type Xlen } from './hart-state.js';
import type { HartHooks } from './hooks.js';
import { Mmu } from './mmu.js';
import { TRANSLATION } from './page-walk.js';
import { Pmp } from './pmp.js';
import {
  CAUSE,
  enterException,
  enterInterrupt,
  exceptionTarget,
  isAtHandler,
  nextInterrupt,
  returnFromMachine,
  returnFromSupervisor,
} from './traps.js';

export interface HartOptions {
  readonly memory: GuestMemory;
  /** 32: RV32IMAC with M and U mode; 64: RV64GC with M, S and U mode and Sv39. */
  readonly xlen: Xlen;
  readonly host: VcpuHost;
  /** One byte for each 4 KiB page of RAM, the owner's: not 0 where `hooks.codeWritten` is to be told of a write. */
  readonly codeState: Uint8Array;
  readonly hooks: HartHooks;
}

/** Call `reset` before anything else. */
export class Hart {
  readonly memory: GuestMemory;
  readonly xlen: Xlen;
  readonly hooks: HartHooks;
  readonly state: HartState;
  readonly pmp: Pmp;
  readonly mmu: Mmu;
  readonly csrs: CsrFile;
  readonly data: DataPath;
  readonly atomics: AtomicUnit;
  /** The trap handler traps itself: see the exit reason `lockup`. */
  isLockedUp = false;
  /** `instret` at the latest exception, to notice a handler whose first instruction traps. */
  #trappedAt = -1;
  readonly #interruptTaken: ((number: number, instret: number) => void) | undefined;

  constructor(options: HartOptions) {
    const { memory, xlen, host, codeState, hooks } = options;
    this.memory = memory;
    this.xlen = xlen;
    this.#interruptTaken = host.interruptTaken?.bind(host);
    this.hooks = hooks;
    this.state = new HartState(memory.memory, xlen);
    this.pmp = new Pmp(this.state);
    const guard = new CodeGuard(codeState, hooks);
    this.mmu = new Mmu(memory, this.state, this.pmp, guard);
    this.csrs = new CsrFile(this.state, this.pmp, host);
    this.data = new DataPath(memory, this.state, this.pmp, this.mmu, guard);
    this.atomics = new AtomicUnit(memory, this.state, this.data, guard);
  }

  /** M mode at `pc`, which lies below 4 GiB; all registers but `mhartid` zero, the TLB empty. Calls no hook. */
  reset(pc: number, hartId: number): void {
    this.state.reset(pc, hartId);
    this.mmu.reset();
    this.unlock();
  }

  /** Takes the interrupt that is due before the next instruction; false when there is none. */
  takeInterrupt(): boolean {
    const number = nextInterrupt(this.state);
    if (number < 0) return false;
    this.#interruptTaken?.(number, this.state.instret);
    enterInterrupt(this.state, number);
    this.mmu.modeChanged();
    return true;
  }

  /**
   * Raises an exception at pc, unless it would be the same one for ever: when no instruction has retired since the
   * latest exception, and pc is at the very handler that this one would enter, in the mode of that handler.
   */
  raise(cause: number, valueLow: number, valueHigh: number): void {
    const { state } = this;
    const target = exceptionTarget(state, cause);
    const isInHandler = state.privilege === target && isAtHandler(state, target);
    if (isInHandler && this.#trappedAt === state.instret) {
      this.isLockedUp = true;
      return;
    }
    this.#trappedAt = state.instret;
    enterException(state, target, cause, valueLow, valueHigh);
    this.mmu.modeChanged();
  }

  /** `mret`, permitted. */
  returnFromMachine(): void {
    returnFromMachine(this.state);
    this.state.instret += 1;
    this.mmu.modeChanged();
  }

  /** `sret`, permitted. */
  returnFromSupervisor(): void {
    returnFromSupervisor(this.state);
    this.state.instret += 1;
    this.mmu.modeChanged();
  }

  /**
   * RAM offset of the instruction at pc, or -1 when it cannot be fetched: the exception is raised already.
   * `mmu.isPageExecutable` says whether all of its page may be executed.
   */
  translateFetch(): number {
    const { pc, pcHigh } = this.state;
    const offset = this.mmu.fetch(pc, pcHigh);
    if (offset >= 0) return offset;
    this.raiseFetchFault(offset, pc, pcHigh);
    return -1;
  }

  /** Raises what a negative result of `mmu.fetch` for this address means. */
  raiseFetchFault(result: number, vaLow: number, vaHigh: number): void {
    const isPageFault = result === -1 - TRANSLATION.pageFault;
    this.raise(isPageFault ? CAUSE.fetchPage : CAUSE.fetchAccess, vaLow, vaHigh);
  }

  /** Acts on what `CsrFile.write` answered. */
  csrChanged(effect: number): void {
    if ((effect & CSR_EFFECT.protection) !== 0) {
      this.mmu.protectionChanged();
      this.hooks.protectionChanged();
      return;
    }
    if ((effect & CSR_EFFECT.readable) !== 0) this.mmu.tlb.flushTranslatedReads();
    if ((effect & CSR_EFFECT.translation) !== 0) this.mmu.tlb.flushTranslated();
    if (effect === CSR_EFFECT.float) this.mmu.floatChanged();
    else if (effect !== CSR_EFFECT.none) this.mmu.modeChanged();
  }

  /** The bits of the instruction at pc, zero-extended when it has two bytes; 0 when it cannot be read any more. */
  instructionBits(length: number): number {
    const { pc, pcHigh } = this.state;
    let bits = 0;
    for (let at = 0; at < length; at += 2) {
      const low = (pc + at) | 0;
      const offset = this.mmu.fetch(low, pc < 0 && low >= 0 ? pcHigh + 1 : pcHigh);
      if (offset >= 0) bits |= this.memory.u16[offset >> 1] << (8 * at);
    }
    return bits;
  }

  /** Something outside changed what made the hart lock up. */
  unlock(): void {
    this.isLockedUp = false;
    this.#trappedAt = -1;
  }
}
