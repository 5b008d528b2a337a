/** The contract between an engine and the machine around it. */

/** Why `run` came back. */
export type VmExitReason =
  /** `untilInstret` is reached. */
  | 'until'
  /** A load from an address outside RAM: answer with `completeMmioRead` or `completeAccessFault`. */
  | 'mmio-read'
  /** A store outside RAM: answer with `completeMmioWrite` or `completeAccessFault`. */
  | 'mmio-write'
  /** An `ecall` from M mode while hypercalls are on: answer with `completeHypercall`. */
  | 'hypercall'
  /** `wfi` retired and no enabled interrupt is pending. Run again when one is, or at once: the guest must bear that. */
  | 'wfi'
  /**
   * The first instruction of the trap handler itself raises an exception, so the hart can never retire again. Nothing
   * has changed since; another `run` answers the same until something outside (memory, registers) is changed.
   */
  | 'lockup';

/**
 * One VM exit. The object belongs to the vCPU and is reused: read it before the next `run`.
 * A guest's fault is never an exit: it is a trap that the guest takes.
 */
export interface VmExit {
  readonly reason: VmExitReason;
  /** Guest physical address of an MMIO access. */
  readonly gpa: number;
  /** Bytes accessed: 1, 2, 4 or 8. */
  readonly size: number;
  /** Value stored, low 32 bits as an unsigned number. */
  readonly value: number;
  /** Bits 32 to 63 of an 8-byte store, else 0. */
  readonly valueHigh: number;
}

/** What an engine asks of its machine while it runs, without an exit. */
export interface VcpuHost {
  /** `time` as of retired instruction `instret`: ticks of 100 ns, an integer below 2^53. */
  readTime(instret: number): number;
}

/** CSR and register access for debuggers, tests and state digests; never on a hot path. */
export interface VcpuInspection {
  /** General register 0..31, zero-extended. */
  readRegister(index: number): bigint;
  writeRegister(index: number, value: bigint): void;
  readPc(): bigint;
  writePc(value: bigint): void;
  /** CSR by its number, as M mode would read it; undefined when it does not exist. */
  readCsr(csr: number): bigint | undefined;
  /** 0 = U, 1 = S, 3 = M. */
  readonly privilege: number;
}

/**
 * A virtual CPU (one hart) executed by some engine. Every engine retires the same instructions in the same order and
 * counts them alike, so whatever enters the guest "at instruction n" enters at the same place whichever engine runs.
 */
export interface Vcpu extends VcpuInspection {
  readonly xlen: 32 | 64;
  /** Retired instructions since reset; an integer below 2^53. An instruction that traps does not retire. */
  readonly instret: number;

  /** Start state: M mode, `pc`, a0 = `hartId`, a1 = `deviceTreeGpa`; everything else zero. */
  reset(pc: number, hartId: number, deviceTreeGpa: number): void;

  /**
   * Executes until `instret === untilInstret` or an exit. Takes a pending enabled interrupt before the first instruction,
   * but none when `untilInstret` is reached already: an interrupt is taken together with the instruction it precedes.
   * Never runs past `untilInstret`. The instruction that caused an MMIO or hypercall exit has not retired:
   * its `complete…` call retires it. Calling `run` without it throws `VMM_ENGINE`.
   */
  run(untilInstret: number): VmExit;

  /** Ends an `mmio-read` exit: `value` (unsigned 32 bits) and `valueHigh` reach the destination register, sign- or zero-extended as the instruction says. */
  completeMmioRead(value: number, valueHigh?: number): void;
  completeMmioWrite(): void;
  /** Ends a `hypercall` exit with SBI's pair: a0 = `error`, a1 = `value` (both sign-extended from 32 bits on RV64). */
  completeHypercall(error: number, value: number): void;
  /** Ends an MMIO exit with a load or store access fault that the guest takes. */
  completeAccessFault(): void;

  /** Sets or clears bits of `mip` from outside; takes effect at the next `run`. */
  setInterruptPending(bits: number, pending: boolean): void;
  /** Whether an interrupt is pending and enabled in `mie` (globally enabled or not): what ends `wfi`. */
  readonly interruptAwaits: boolean;

  /** Code at [gpa, gpa + length) was changed from outside (DMA, loader, debugger). */
  invalidateCode(gpa: number, length: number): void;
}
