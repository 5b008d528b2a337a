/** The plainest vCPU there is, for tests alone: every instruction is fetched, decoded and executed by itself. */

import { OPERATION, SINK_SLOT, SLOT } from '../cpu/decoded-slot.js';
import type { GuestMemory } from '../cpu/guest-memory.js';
import type { HypercallMode, Vcpu, VcpuHost, VmExit } from '../cpu/vcpu.js';
import { VmmError } from '../errors.js';
import { createDecodedInstruction, Decoder } from '../isa/decoder.js';
import { FORMATS, type Format, type RegisterField } from '../isa/format.js';
import { INSTRUCTIONS, RV32IMAC, RV64GC, selectInstructions } from '../isa/instruction-table.js';
import { Hart } from './hart.js';
import type { Xlen } from './hart-state.js';
import { HartInspection } from './inspection.js';
import { compute, isTaken, PLAIN } from './plain-arithmetic.js';
import { SlowPath } from './slow-path.js';
import { awaitingInterrupts, setPending } from './traps.js';

const DECODERS = {
  32: new Decoder(selectInstructions(32, RV32IMAC)),
  64: new Decoder(selectInstructions(64, RV64GC)),
} as const;

const NAMES = new Map(INSTRUCTIONS.filter(({ length }) => length === 4).map(({ id, name }) => [id, name]));

export interface PlainOptions {
  readonly memory: GuestMemory;
  readonly xlen: Xlen;
  readonly host: VcpuHost;
  readonly hypercalls: HypercallMode;
  readonly codeState?: Uint8Array;
}

const slotOf = (field: RegisterField | undefined, number: number): number =>
  field?.file === 'f' ? 32 + number : number;

/** `base` as the hart's slow path executes it, plain arithmetic as `plain-arithmetic` defines it; no code is kept. */
export class PlainVcpu extends HartInspection implements Vcpu {
  readonly xlen: Xlen;
  readonly hart: Hart;
  readonly slowPath: SlowPath;
  /** Pages that `codeWritten` named, and what other hooks were called. */
  readonly calls: string[] = [];
  readonly #memory: GuestMemory;
  #breakpoints = new Set<bigint>();
  /** `instret` at which a breakpoint held the guest last. */
  #heldAt = -1;
  readonly #instruction = createDecodedInstruction();

  constructor(options: PlainOptions) {
    const codeState = options.codeState ?? new Uint8Array(options.memory.ramBytes / 4096);
    const calls: string[] = [];
    const hart = new Hart({
      memory: options.memory,
      xlen: options.xlen,
      host: options.host,
      codeState,
      hooks: {
        codeWritten: (page) => {
          codeState[page] = 0;
          calls.push(`codeWritten ${page}`);
        },
        synchronizeCode: () => calls.push('synchronizeCode'),
        protectionChanged: () => calls.push('protectionChanged'),
      },
    });
    super(hart);
    this.calls = calls;
    this.hart = hart;
    this.xlen = options.xlen;
    this.#memory = options.memory;
    this.slowPath = new SlowPath(hart, options.hypercalls);
  }

  get instret(): number {
    return this.hart.state.instret;
  }

  get interruptAwaits(): boolean {
    return awaitingInterrupts(this.hart.state) !== 0;
  }

  reset(pc: number, hartId: number, deviceTreeGpa: number): void {
    this.slowPath.reset();
    this.hart.reset(pc, hartId);
    this.writeRegister(10, BigInt(hartId));
    this.writeRegister(11, BigInt(deviceTreeGpa));
  }

  run(untilInstret: number): VmExit {
    const { hart, slowPath } = this;
    if (slowPath.awaited !== 'until') throw new VmmError('VMM_ENGINE', `No answer to ${slowPath.awaited} came.`);
    const { exit } = slowPath;
    exit.reason = 'until';
    while (hart.state.instret < untilInstret && exit.reason === 'until') {
      if (hart.isLockedUp) exit.reason = 'lockup';
      else if (this.#isHeld()) exit.reason = 'breakpoint';
      else exit.reason = this.#step() ?? 'until';
    }
    return exit;
  }

  /** Whether a breakpoint holds the guest, for the first time at this instruction. */
  #isHeld(): boolean {
    if (this.#breakpoints.size === 0) return false;
    this.hart.takeInterrupt();
    if (this.#heldAt === this.instret || !this.#breakpoints.has(this.readPc())) return false;
    this.#heldAt = this.instret;
    return true;
  }

  #step(): VmExit['reason'] | undefined {
    const { hart } = this;
    hart.takeInterrupt();
    const offset = hart.translateFetch();
    if (offset < 0) return undefined;
    let bits = this.#memory.u16[offset / 2];
    if ((bits & 3) === 3) {
      const second = this.readPc() + 2n;
      const half = hart.mmu.fetch(Number(BigInt.asIntN(32, second)), Number(BigInt.asIntN(32, second >> 32n)));
      if (half < 0) return this.slowPath.execute(OPERATION.fetchFault | (SINK_SLOT << SLOT.rdShift), 0);
      bits |= this.#memory.u16[half / 2] << 16;
    }
    return this.execute(bits);
  }

  /** Executes these bits as if they had been fetched at pc. */
  execute(bits: number): VmExit['reason'] | undefined {
    const instruction = this.#instruction;
    const decoder = DECODERS[this.xlen];
    decoder.decode(bits, instruction);
    const name = NAMES.get(instruction.id) ?? 'illegal';
    if (PLAIN.has(name)) {
      this.#plain(name);
      return undefined;
    }
    const row = decoder.find(bits);
    if (row === undefined) return this.slowPath.execute(OPERATION.illegal | (SINK_SLOT << SLOT.rdShift), bits);
    const format: Format = FORMATS[row.format];
    const { id, length, imm, rm } = instruction;
    const rd = slotOf(format.rd, instruction.rd);
    const word =
      id |
      ((rd === 0 ? SINK_SLOT : rd) << SLOT.rdShift) |
      (slotOf(format.rs1, instruction.rs1) << SLOT.rs1Shift) |
      (slotOf(format.rs2, instruction.rs2) << SLOT.rs2Shift) |
      ((length === 4 ? 1 : 0) << SLOT.lengthShift);
    const isFloat = row.extension === 'F' || row.extension === 'D';
    const hasImmediate = format.imm !== undefined && !format.syntax.includes('csr');
    const operand = hasImmediate ? imm : isFloat ? rm | ((32 + instruction.rs3) << 3) : bits;
    return this.slowPath.execute(word, operand);
  }

  #plain(name: string): void {
    const { rd, rs1, rs2, imm, length } = this.#instruction;
    const pc = this.readPc();
    const a = this.readRegister(rs1);
    const b = this.readRegister(rs2);
    const next = pc + BigInt(length);
    let target = next;
    if (name === 'jal' || (name.startsWith('b') && isTaken(name, a, b, this.xlen))) target = pc + BigInt(imm);
    if (name === 'jalr') target = a + BigInt(imm);
    if (name === 'jal' || name === 'jalr') this.writeRegister(rd, next);
    else if (!name.startsWith('b')) this.writeRegister(rd, compute(name, a, b, BigInt(imm), pc, this.xlen));
    const { instret } = this.hart.state;
    this.writePc(target);
    this.hart.state.instret = instret + 1;
  }

  completeMmioRead(value: number, valueHigh?: number): void {
    this.slowPath.completeMmioRead(value, valueHigh);
  }

  completeMmioWrite(): void {
    this.slowPath.completeMmioWrite();
  }

  completeHypercall(error: number, value: number): void {
    this.slowPath.completeHypercall(error, value);
  }

  completeAccessFault(): void {
    this.slowPath.completeAccessFault();
  }

  setInterruptPending(bits: number, pending: boolean): void {
    setPending(this.hart.state, bits, pending);
  }

  invalidateCode(): void {
    this.hart.unlock();
  }

  /** Nothing is kept that code could be newer than. */
  fenceCode(): void {}

  fenceMemory(): void {
    this.hart.mmu.tlb.flushTranslated();
  }

  setBreakpoints(pcs: readonly bigint[]): void {
    this.#breakpoints = new Set(pcs);
    this.#heldAt = -1;
  }
}
