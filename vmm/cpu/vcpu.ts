/** The contract between an engine and the machine around it. */

/** Why `run` came back. */
export type VmExitReason =
  /** `untilInstret` is reached. */
  | 'until'
  /** A load from an address outside RAM: answer with `completeMmioRead` or `completeAccessFault`. */
  | 'mmio-read'
  /** A store outside RAM: answer with `completeMmioWrite` or `completeAccessFault`. */
  | 'mmio-write'
  /** An `ecall` from the mode that `HypercallMode` names: answer with `completeHypercall`. */
  | 'hypercall'
  /** `wfi` retired and no enabled interrupt is pending. Run again when one is, or at once: the guest must bear that. */
  | 'wfi'
  /**
   * The first instruction of the trap handler itself raises an exception, so the hart can never retire again. Nothing
   * has changed since; another `run` answers the same until something outside (memory, registers) is changed.
   */
  | 'lockup'
  /**
   * The instruction at pc, one of `setBreakpoints`, would be next; an interrupt before it has been taken already. The next
   * `run` executes it, unless something has retired meanwhile: a breakpoint never holds the guest twice at one `instret`.
   */
  | 'breakpoint';

/**
 * Which `ecall` leaves the guest: none; that from M mode, for guests of this project's own ABI; or that from S mode, which
 * makes the monitor the guest's SBI firmware.
 */
export type HypercallMode = 'none' | 'machine' | 'supervisor';

/** Privilege modes by their number: U, S, M. */
export type Privilege = 0 | 1 | 3;

/**
 * One VM exit. The object belongs to the vCPU and is reused: read it before the next `run`.
 * A guest's fault is never an exit: it is a trap that the guest takes.
 */
export interface VmExit {
  readonly reason: VmExitReason;
  /** Guest physical address of an MMIO access, an integer below 2^53. */
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
  /** Interrupt `number` is taken: its handler's first instruction is the next. Absent when nobody wants to know. */
  interruptTaken?(number: number, instret: number): void;
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
  /** Writes a CSR as M mode would, WARL rules included; false when it does not exist or cannot be written. */
  writeCsr(csr: number, value: bigint): boolean;
  /** Floating-point register 0..31 as its 64 bits, whatever mstatus.FS says; undefined without an FPU. */
  readFloat(index: number): bigint | undefined;
  /** Does nothing without an FPU. */
  writeFloat(index: number, value: bigint): void;
  /**
   * Where a debugger finds the byte at virtual address `va`: the guest physical address that a load in the present mode
   * would reach, without its rights being checked and without a bit of a page table being set. Undefined when no page is there.
   */
  translateForDebug(va: bigint): number | undefined;
  /** 0 = U, 1 = S, 3 = M. */
  readonly privilege: number;
}

/** What an engine counts about itself; all of it depends on the engine, and none of it is part of a run's results. */
export interface VcpuStatistics {
  /** Regions of guest code that were translated, and thrown away again because the code changed. */
  readonly translatedRegions?: number;
  readonly droppedRegions?: number;
  /** Bytes of generated WebAssembly. */
  readonly generatedBytes?: number;
  /** Retired instructions, by what executed them: generated code, or an interpreter. */
  readonly translatedInstructions?: number;
  readonly interpretedInstructions?: number;
}

/**
 * A virtual CPU (one hart) executed by some engine. Every engine retires the same instructions in the same order and
 * counts them alike, so whatever enters the guest "at instruction n" enters at the same place whichever engine runs.
 */
export interface Vcpu extends VcpuInspection {
  readonly xlen: 32 | 64;
  /** Retired instructions since reset; an integer below 2^53. An instruction that traps does not retire. */
  readonly instret: number;

  /**
   * Start state: `pc`, a0 = `hartId`, a1 = `deviceTreeGpa`, in the mode `privilege` (M when absent); everything else zero.
   *
   * Started in S mode (1), the hart is as SBI firmware hands it over: satp 0, interrupts off; `medeleg` has every
   * exception but `ecall` from S mode (0xb1ff), because M mode is empty, `mideleg` SSIP, STIP and SEIP (0x222); every bit of
   * `mcounteren` and `scounteren` that exists is set; PMP entry 0 opens the whole address space. Throws `VMM_CONFIG` when there is no S mode.
   */
  reset(pc: number, hartId: number, deviceTreeGpa: number, privilege?: 1 | 3): void;

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
  /**
   * Ends a `hypercall` exit with SBI's pair: a0 = `error`, a1 = `value`; a1 stays when `value` is undefined, as legacy SBI
   * calls have it. Both are signed integers below 2^53 in magnitude; on RV32 their low 32 bits count.
   */
  completeHypercall(error: number, value: number | undefined): void;
  /** Ends an MMIO exit with a load or store access fault that the guest takes. */
  completeAccessFault(): void;

  /** Sets or clears bits of `mip` from outside; takes effect at the next `run`. */
  setInterruptPending(bits: number, pending: boolean): void;
  /** Whether an interrupt is pending and enabled in `mie` (globally enabled or not): what ends `wfi`. */
  readonly interruptAwaits: boolean;

  /** Code at [gpa, gpa + length) was changed from outside (DMA, loader, debugger). */
  invalidateCode(gpa: number, length: number): void;
  /** What `fence.i` does on this hart; for SBI's remote fences, also while a `hypercall` exit is open. */
  fenceCode(): void;
  /** What `sfence.vma x0, x0` does on this hart; likewise. */
  fenceMemory(): void;

  /** Virtual addresses before which `run` stops with `breakpoint`, instead of those before; none when empty. */
  setBreakpoints(pcs: readonly bigint[]): void;
  /** Counts since reset; absent in engines that count nothing. */
  statistics?(): VcpuStatistics;
}
