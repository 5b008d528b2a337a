/** The reference engine: an RV32IMAC hart with M and U mode, interpreted from pre-decoded instructions. */

import { VmmError } from '../errors.js';
import { CSR_EFFECT, NO_CSR } from './csr-file.js';
import { OP, REGION_BYTES } from './decoded-code.js';
import { execute } from './execute.js';
import type { GuestMemory } from './guest-memory.js';
import { Hart } from './hart.js';
import { PRIVILEGE, WORD } from './hart-state.js';
import { extendLoad, SlowPath } from './slow-path.js';
import { awaitingInterrupts, CAUSE, nextInterrupt } from './traps.js';
import type { Vcpu, VcpuHost, VmExit, VmExitReason } from './vcpu.js';

export interface InterpreterOptions {
  readonly memory: GuestMemory;
  readonly host: VcpuHost;
  /** Whether `ecall` from M mode is a hypercall instead of a trap. */
  readonly hypercalls: boolean;
}

/** An RV32 vCPU whose state lives in the state area of `options.memory`; call `reset` before the first `run`. */
export function createInterpreter(options: InterpreterOptions): Vcpu {
  return new Interpreter(options);
}

/** The hot loop's budget is a small integer; longer runs are sliced. */
const SLICE = 1 << 30;

const A0 = 2 * 10;
const A1 = 2 * 11;

class Interpreter implements Vcpu {
  readonly xlen = 32;
  readonly #hart: Hart;
  readonly #slowPath: SlowPath;
  /** The exit that waits for its `complete…` call, and the instruction that caused it. */
  #awaited: VmExitReason = 'until';
  #awaitedWord = 0;
  #breakpoints: ReadonlySet<number> = new Set();
  /** `instret` at the latest breakpoint exit, which the next `run` passes. */
  #heldAt = -1;

  constructor(options: InterpreterOptions) {
    this.#hart = new Hart(options.memory, options.host);
    this.#slowPath = new SlowPath(this.#hart, options.hypercalls);
  }

  get instret(): number {
    return this.#hart.state.instret;
  }

  get privilege(): number {
    return this.#hart.state.privilege;
  }

  get interruptAwaits(): boolean {
    return awaitingInterrupts(this.#hart.state) !== 0;
  }

  reset(pc: number, hartId: number, deviceTreeGpa: number, privilege: 1 | 3 = 3): void {
    if (privilege !== 3) {
      throw new VmmError('VMM_CONFIG', 'The RV32 interpreter has no S mode to start a guest in.', {
        hint: 'Give the guest a 64-bit image, or start it in M mode.',
      });
    }
    this.#awaited = 'until';
    this.#heldAt = -1;
    this.#hart.reset(pc, hartId);
    this.#hart.words[A0] = hartId;
    this.#hart.words[A1] = deviceTreeGpa;
  }

  run(untilInstret: number): VmExit {
    if (this.#awaited !== 'until') {
      throw new VmmError('VMM_ENGINE', `run() was called before the ${this.#awaited} exit was completed.`);
    }
    const hart = this.#hart;
    const { state, words } = hart;
    const { ramBase, ramBytes } = hart.memory;
    for (;;) {
      const remaining = untilInstret - state.instret;
      if (!(remaining > 0)) return this.#leave('until');
      if (hart.isLockedUp) return this.#leave('lockup');
      const interrupt = nextInterrupt(state);
      if (interrupt >= 0) hart.interrupt(interrupt);

      const pc = words[WORD.pc];
      const isStopping = this.#breakpoints.size !== 0;
      if (isStopping && this.#breakpoints.has(pc) && this.#heldAt !== state.instret) {
        this.#heldAt = state.instret;
        return this.#leave('breakpoint');
      }
      const offset = (pc - ramBase) >>> 0;
      if (offset >= ramBytes) {
        hart.raise(CAUSE.fetchAccess, pc);
        continue;
      }
      // With breakpoints set, one instruction at a time: the hot loop does not look at pc.
      const reason = this.#runRegion(pc, offset, isStopping ? 1 : Math.min(remaining, SLICE));
      if (reason !== undefined) return this.#leave(reason);
    }
  }

  /** Runs the hot loop from RAM offset `offset`, then what made it stop. A reason means an exit. */
  #runRegion(pc: number, offset: number, budget: number): VmExitReason | undefined {
    const hart = this.#hart;
    const { execution, code } = hart;
    const region = code.region(offset);
    const start = offset & (REGION_BYTES - 1);
    const base = (pc - start) | 0;
    const word = execute(execution, region, base, start, budget);
    const { index, left } = execution;
    hart.words[WORD.pc] = base + index;
    if (left !== budget) hart.state.instret += budget - left;

    const op = word & 255;
    if (op === OP.leave) return undefined;
    if (op === OP.undecoded) {
      const reached = offset - start + index;
      // Behind the end of RAM the region has slots, too; there `run` raises the fault.
      if (reached < hart.memory.ramBytes) code.decode(reached);
      return undefined;
    }
    const reason = this.#slowPath.execute(word, region[index + 1]);
    if (reason !== undefined && reason !== 'wfi') {
      this.#awaited = reason;
      this.#awaitedWord = word;
    }
    return reason;
  }

  #leave(reason: VmExitReason): VmExit {
    const { exit } = this.#slowPath;
    exit.reason = reason;
    return exit;
  }

  completeMmioRead(value: number): void {
    const word = this.#complete('mmio-read');
    this.#hart.retire(word, extendLoad(word & 255, value));
  }

  completeMmioWrite(): void {
    this.#hart.retire(this.#complete('mmio-write'));
  }

  completeHypercall(error: number, value: number | undefined): void {
    const word = this.#complete('hypercall');
    this.#hart.words[A0] = error;
    if (value !== undefined) this.#hart.words[A1] = value;
    this.#hart.retire(word);
  }

  completeAccessFault(): void {
    const isLoad = this.#awaited === 'mmio-read';
    this.#complete(isLoad ? 'mmio-read' : 'mmio-write');
    this.#hart.raise(isLoad ? CAUSE.loadAccess : CAUSE.storeAccess, this.#slowPath.exit.gpa);
  }

  /** The instruction word of the exit that ends now. */
  #complete(expected: VmExitReason): number {
    if (this.#awaited !== expected) {
      throw new VmmError('VMM_ENGINE', `No ${expected} exit waits to be completed.`);
    }
    this.#awaited = 'until';
    return this.#awaitedWord;
  }

  setInterruptPending(bits: number, pending: boolean): void {
    const { words } = this.#hart;
    if (pending) Atomics.or(words, WORD.mip, bits);
    else Atomics.and(words, WORD.mip, ~bits);
  }

  invalidateCode(gpa: number, length: number): void {
    const { ramBase, ramBytes } = this.#hart.memory;
    const first = Math.max(gpa, ramBase);
    const end = Math.min(gpa + length, ramBase + ramBytes);
    if (first < end) this.#hart.dropCode(first - ramBase, end - first);
  }

  fenceCode(): void {
    this.#hart.synchronizeCode();
  }

  /** Nothing is translated. */
  fenceMemory(): void {}

  setBreakpoints(pcs: readonly bigint[]): void {
    this.#breakpoints = new Set(pcs.map((pc) => Number(BigInt.asIntN(32, pc))));
  }

  readRegister(index: number): bigint {
    return BigInt(this.#hart.words[2 * index] >>> 0);
  }

  /** A write to x0 is ignored. */
  writeRegister(index: number, value: bigint): void {
    if (index !== 0) this.#hart.words[2 * index] = Number(BigInt.asIntN(32, value));
    this.#hart.unlock();
  }

  readPc(): bigint {
    return BigInt(this.#hart.words[WORD.pc] >>> 0);
  }

  /** Bit 0, which a program counter does not have, is dropped. */
  writePc(value: bigint): void {
    this.#hart.words[WORD.pc] = Number(BigInt.asIntN(32, value)) & ~1;
    this.#hart.unlock();
  }

  readCsr(csr: number): bigint | undefined {
    const value = this.#hart.csrs.read(csr);
    return value === NO_CSR ? undefined : BigInt(value);
  }

  writeCsr(csr: number, value: bigint): boolean {
    const hart = this.#hart;
    if (!hart.csrs.permits(csr, PRIVILEGE.machine, true) || hart.csrs.read(csr) === NO_CSR) return false;
    const effect = hart.csrs.write(csr, Number(BigInt.asIntN(32, value)), 0);
    if (effect === CSR_EFFECT.dataAccess) hart.dataAccessChanged();
    else if (effect === CSR_EFFECT.protection) hart.protectionChanged();
    hart.unlock();
    return true;
  }

  readFloat(): undefined {
    return undefined;
  }

  writeFloat(): void {}

  translateForDebug(va: bigint): number {
    return Number(BigInt.asUintN(32, va));
  }
}
