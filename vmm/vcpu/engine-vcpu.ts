/** A vCPU on generated WebAssembly: runs the interpreter, hands it code, and executes what it leaves on the slow path. */

import { CODE_PAGE, HEAT } from '../cpu/code-page-layout.js';
import { OPERATION, SLOT } from '../cpu/decoded-slot.js';
import type { GuestMemory } from '../cpu/guest-memory.js';
import { RAM_OFFSET, STATE } from '../cpu/state-layout.js';
import type { HypercallMode, Vcpu, VcpuHost, VcpuStatistics, VmExit, VmExitReason } from '../cpu/vcpu.js';
import { CodePages } from '../engine/code-pages.js';
import { decoderOf, type InterpreterInstance, instantiateInterpreter } from '../engine/interpreter-cache.js';
import { STOP } from '../engine/interpreter-module.js';
import { VmmError } from '../errors.js';
import { Hart } from '../hart/hart.js';
import { PRIVILEGE, WORD } from '../hart/hart-state.js';
import { HartInspection } from '../hart/inspection.js';
import { ACCESS } from '../hart/pmp.js';
import { SlowPath } from '../hart/slow-path.js';
import { awaitingInterrupts, setPending } from '../hart/traps.js';
import { isLongInstruction } from '../isa/decoder.js';
import type { Span } from '../translator/region.js';
import { Translator } from '../translator/translator.js';
import { startSupervisor } from './start-supervisor.js';

export interface EngineOptions {
  /** Whether hot code is translated. */
  readonly translates: boolean;
  /** How many jumps to a place make it hot; for tests, in which nothing runs for long. */
  readonly threshold?: number;
  readonly xlen: 32 | 64;
  readonly memory: GuestMemory;
  readonly host: VcpuHost;
  readonly hypercalls: HypercallMode;
}

/**
 * Instructions in one call of generated code. V8 replaces a function by its optimised version only when it is called
 * again, so the pieces must not be long; shorter ones cost more than they gain.
 */
const SLICE = 1 << 20;
const PAGE_SHIFT = 12;
const A0 = 10;
const A1 = 11;
const NOWHERE = -1;

/** The state lives in the state area of `options.memory`; call `reset` before the first `run`. */
export class EngineVcpu extends HartInspection implements Vcpu {
  readonly xlen: 32 | 64;
  readonly #hart: Hart;
  readonly #words: Int32Array;
  /** All of the shared memory, to read decoded slots. */
  readonly #slots: Int32Array;
  readonly #slowPath: SlowPath;
  readonly #pages: CodePages;
  readonly #interpreter: InterpreterInstance;
  readonly #translator: Translator | undefined;
  #breakpoints = new Set<bigint>();
  /** `instret` at which a breakpoint held the guest last. */
  #heldAt = NOWHERE;

  constructor(options: EngineOptions) {
    const { xlen, memory, host, hypercalls, translates } = options;
    const decoder = decoderOf(xlen);
    const pages = new CodePages(memory, decoder, {
      protect: (page) => this.#hart.mmu.tlb.flushWritesTo(RAM_OFFSET + page * CODE_PAGE.pageBytes),
      changed: (page) => this.#translator?.dropped(page),
      emptied: (slots) => this.#hart.mmu.tlb.flushFetchesOf(slots),
    });
    const hart = new Hart({
      memory,
      xlen,
      host,
      codeState: pages.state,
      hooks: {
        codeWritten: (page) => pages.written(page),
        synchronizeCode: () => pages.synchronize(),
        protectionChanged: () => this.#translator?.clear(),
      },
    });
    super(hart);
    this.xlen = xlen;
    this.#hart = hart;
    this.#pages = pages;
    this.#words = hart.state.words;
    this.#slots = new Int32Array(memory.memory.buffer);
    this.#slowPath = new SlowPath(hart, hypercalls);
    this.#interpreter = instantiateInterpreter(
      xlen,
      memory,
      translates ? (options.threshold ?? HEAT.threshold) : undefined,
    );
    const { table } = this.#interpreter;
    this.#translator = table === undefined ? undefined : new Translator({ xlen, memory, pages, decoder, table });
  }

  get instret(): number {
    return this.#hart.state.instret;
  }

  get interruptAwaits(): boolean {
    return awaitingInterrupts(this.#hart.state) !== 0;
  }

  reset(pc: number, hartId: number, deviceTreeGpa: number, privilege: 1 | 3 = PRIVILEGE.machine): void {
    this.#slowPath.reset();
    this.#pages.clear();
    this.#heldAt = NOWHERE;
    this.#hart.reset(pc, hartId);
    if (privilege === PRIVILEGE.supervisor) startSupervisor(this.#hart, this);
    this.writeRegister(A0, BigInt(hartId));
    this.writeRegister(A1, BigInt(deviceTreeGpa));
  }

  run(untilInstret: number): VmExit {
    if (this.#slowPath.awaited !== 'until') {
      throw new VmmError('VMM_ENGINE', `run() was called before the ${this.#slowPath.awaited} exit was completed.`);
    }
    const hart = this.#hart;
    const { state } = hart;
    for (;;) {
      const remaining = untilInstret - state.instret;
      if (!(remaining > 0)) return this.#leave('until');
      if (hart.isLockedUp) return this.#leave('lockup');
      hart.takeInterrupt();
      let budget = remaining < SLICE ? remaining : SLICE;
      if (this.#breakpoints.size > 0) {
        if (this.#isHeld()) return this.#leave('breakpoint');
        budget = 1;
      }
      const stop = this.#interpreter.run(0, budget);
      const left = this.#words[WORD_LEFT];
      if (left !== budget) state.instret += budget - left;
      if (stop === STOP.until) continue;
      if (stop === STOP.slow) {
        const reason = this.#executeSlot(this.#words[WORD_SLOT] >>> 0);
        if (reason !== undefined) return this.#leave(reason);
      } else if (stop === STOP.hot) {
        this.#translate(this.#pages.offsetOf(this.#words[WORD_SLOT] >>> 0));
      } else if (left > 0) {
        const reason = this.#fetch();
        if (reason !== undefined) return this.#leave(reason);
      }
    }
  }

  #leave(reason: VmExitReason): VmExit {
    const { exit } = this.#slowPath;
    exit.reason = reason;
    return exit;
  }

  #isHeld(): boolean {
    if (this.#heldAt === this.instret || !this.#breakpoints.has(this.readPc())) return false;
    this.#heldAt = this.instret;
    return true;
  }

  /** Leads the fetch set to the page of pc, or raises the fault, or executes one instruction of a page that is not all code. */
  #fetch(): VmExitReason | undefined {
    const hart = this.#hart;
    const offset = hart.translateFetch();
    if (offset < 0) return undefined;
    if (hart.mmu.isPageExecutable) {
      const slots = this.#pages.slots(offset >>> PAGE_SHIFT);
      hart.mmu.setFetch(hart.state.pc, hart.state.pcHigh, slots);
      return undefined;
    }
    const low = hart.memory.u16[offset >>> 1];
    if (!isLongInstruction(low)) return this.#executeAlone(this.#pages.single(low));
    const second = this.#fetchSecondHalf();
    if (second < 0) return this.#executeAlone(this.#pages.singleFault());
    return this.#executeAlone(this.#pages.single(low | (hart.memory.u16[second >>> 1] << 16)));
  }

  /** What the interpreter has left at a slot: to be decoded, or executed here. */
  #executeSlot(slot: number): VmExitReason | undefined {
    const index = slot >>> 2;
    const word = this.#slots[index];
    switch (word & SLOT.operationMask) {
      case OPERATION.undecoded:
        this.#pages.decode(slot);
        return undefined;
      case OPERATION.straddling:
        return this.#executeStraddling(slot);
      default:
        return this.#slowPath.execute(word, this.#slots[index + 1]);
    }
  }

  #executeStraddling(slot: number): VmExitReason | undefined {
    const low = this.#pages.halfword(this.#pages.offsetOf(slot));
    const second = this.#fetchSecondHalf();
    if (second < 0) return this.#executeAlone(this.#pages.singleFault());
    if (!this.#hart.mmu.isPageExecutable) {
      return this.#executeAlone(this.#pages.single(low | (this.#hart.memory.u16[second >>> 1] << 16)));
    }
    this.#pages.slots(second >>> PAGE_SHIFT);
    return this.#executeAlone(this.#pages.single(low | (this.#pages.halfword(second) << 16)));
  }

  /** RAM offset of the halfword behind the one at pc; negative when it cannot be fetched. */
  #fetchSecondHalf(): number {
    const { pc, pcHigh } = this.#hart.state;
    const low = (pc + 2) | 0;
    return this.#hart.mmu.fetch(low, pc < 0 && low >= 0 ? pcHigh + 1 : pcHigh);
  }

  /** Executes the one instruction in `slot`, which is that at pc. */
  #executeAlone(slot: number): VmExitReason | undefined {
    const stop = this.#interpreter.run(slot, 1);
    this.#hart.state.instret += 1 - this.#words[WORD_LEFT];
    if (stop !== STOP.slow) return undefined;
    const index = slot >>> 2;
    return this.#slowPath.execute(this.#slots[index], this.#slots[index + 1]);
  }

  /** Translates from RAM offset `entry` on: all of RAM is one span where nothing is translated or protected. */
  #translate(entry: number): void {
    const { memory, pmp, state } = this.#hart;
    const { ramBase, ramBytes } = memory;
    const { privilege } = state;
    const isOpen =
      this.#words[WORD.paged] === 0 &&
      this.#words[WORD.openBytes] === ramBytes &&
      pmp.allowsAll(ramBase, ramBytes, ACCESS.execute, privilege);
    const site = this.#words[WORD_INDIRECT];
    this.#words[WORD_INDIRECT] = 0;
    if (isOpen) this.#translator?.hot(entry, site, { first: 0, end: ramBytes, bits: 0 }, privilege);
    else this.#translator?.hot(entry, site, this.#spanOf(entry), undefined);
  }

  /** What is mapped like the instruction at pc, whose RAM offset is `entry`. */
  #spanOf(entry: number): Span {
    const { memory, mmu, state } = this.#hart;
    const { ramBase, ramBytes } = memory;
    const bits = mmu.fetch(state.pc, state.pcHigh) === entry ? mmu.fetchSpan : PAGE_SHIFT;
    const bytes = 2 ** bits;
    const first = ramBase + entry - ((ramBase + entry) % bytes) - ramBase;
    return { first: Math.max(0, first), end: Math.min(first + bytes, ramBytes), bits };
  }

  completeMmioRead(value: number, valueHigh = 0): void {
    this.#slowPath.completeMmioRead(value, valueHigh);
  }

  completeMmioWrite(): void {
    this.#slowPath.completeMmioWrite();
  }

  completeHypercall(error: number, value: number | undefined): void {
    this.#slowPath.completeHypercall(error, value);
  }

  completeAccessFault(): void {
    this.#slowPath.completeAccessFault();
  }

  setInterruptPending(bits: number, pending: boolean): void {
    setPending(this.#hart.state, bits, pending);
  }

  invalidateCode(gpa: number, length: number): void {
    const { ramBase, ramBytes } = this.#hart.memory;
    const first = Math.max(gpa, ramBase);
    const end = Math.min(gpa + length, ramBase + ramBytes);
    if (first >= end) return;
    this.#hart.unlock();
    this.#pages.changed(first - ramBase, end - first);
  }

  fenceCode(): void {
    this.#pages.synchronizeAll();
  }

  fenceMemory(): void {
    this.#hart.mmu.tlb.flushTranslated();
  }

  setBreakpoints(pcs: readonly bigint[]): void {
    this.#breakpoints = new Set(pcs);
    this.#heldAt = NOWHERE;
  }

  statistics(): VcpuStatistics {
    const { regions, bytes, droppedRegions } = this.#translator?.statistics ?? {
      regions: 0,
      bytes: 0,
      droppedRegions: 0,
    };
    return { translatedRegions: regions, droppedRegions, generatedBytes: bytes };
  }
}

const WORD_LEFT = STATE.left >> 2;
const WORD_INDIRECT = STATE.indirect >> 2;
const WORD_SLOT = STATE.slot >> 2;
