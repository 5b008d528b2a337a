/** The loop of a replay: takes journal entries one by one and brings the guest to each. */

import { type GuestImage, placeImage } from '../boot/guest-image.js';
import { GuestMemory } from '../cpu/guest-memory.js';
import type { HypercallMode, Vcpu, VmExit } from '../cpu/vcpu.js';
import { VmmError } from '../errors.js';
import { CALL_WORDS } from '../hypercall/hypercall-table.js';
import { addressesHart0, fenceOf } from '../hypercall/sbi-supervisor.js';
import { callRegisters } from '../machine/call-registers.js';
import { createVcpu, startVcpu } from '../machine/create-vcpu.js';
import { imageDigest, stateDigest } from '../machine/machine-digest.js';
import { GuestOutputs } from './guest-outputs.js';
import type { JournalEnd, JournalStart } from './journal-format.js';
import type { JournalReader } from './journal-reader.js';
import { hashBytes, OutputDigest, sha256 } from './output-digest.js';
import type { Divergence, ReplayConfig, ReplayResult } from './replay.js';

const DEFAULT_MAX_RAM_BYTES = 2 ** 31;
const DEFAULT_MAX_INSTRUCTIONS = 1e11;
/** Reads of `time` that may lie before the entry to which the guest is run in one piece. */
const TIMES = 64;
/** Instructions between two questions whether to stop: a tenth of a second or so. */
const ASK_INSTRUCTIONS = 1e7;

export class Replayer {
  readonly #journal: JournalReader;
  readonly #memory: GuestMemory;
  readonly #vcpu: Vcpu;
  readonly #registers: () => Uint32Array;
  readonly #outputs: GuestOutputs;
  readonly #digest = new OutputDigest();
  readonly #hypercalls: HypercallMode;
  readonly #maxInstructions: number;
  readonly #calledWith = new Uint32Array(CALL_WORDS);
  #open: 'none' | 'mmio-read' | 'mmio-write' | 'hypercall' = 'none';
  #openInstret = 0;
  /** Reads of `time` that the guest has yet to make: at which instruction, and what they answer. */
  readonly #timeInstret = new Float64Array(TIMES);
  readonly #timeValue = new Float64Array(TIMES);
  #times = 0;
  #timesRead = 0;
  #entries = 1;
  #divergence: Divergence | undefined;
  readonly #shouldStop: (() => boolean) | undefined;
  #askInstret: number;
  #stopped = false;

  /** Reads the first entry and sets the guest up by it. */
  constructor(config: ReplayConfig, journal: JournalReader) {
    this.#journal = journal;
    this.#maxInstructions = config.maxInstructions ?? DEFAULT_MAX_INSTRUCTIONS;
    this.#shouldStop = config.shouldStop;
    this.#askInstret = config.shouldStop === undefined ? Number.POSITIVE_INFINITY : ASK_INSTRUCTIONS;
    if (!journal.next() || journal.kind !== 'start') throw bad('it does not begin with the start of a guest');
    const { start } = journal;
    if (start.image !== imageDigest(config.image)) {
      throw bad(`it was made with another image than ${config.image.name}`);
    }
    if (start.ramBytes > (config.maxRamBytes ?? DEFAULT_MAX_RAM_BYTES)) {
      throw bad(`its guest has ${start.ramBytes} bytes of RAM, more than a replay may use`);
    }
    this.#memory = guestMemory(config.image, start);
    this.#digest.start(start);
    this.#hypercalls = start.hypercalls;
    this.#vcpu = createVcpu({
      engine: config.engine ?? 'interpreter',
      xlen: start.xlen,
      memory: this.#memory,
      host: { readTime: (instret) => this.#readTime(instret) },
      hypercalls: start.hypercalls,
    });
    startVcpu(this.#vcpu, start);
    this.#registers = callRegisters(this.#memory, start.xlen);
    this.#outputs = new GuestOutputs(this.#memory, start);
  }

  run(): ReplayResult {
    const journal = this.#journal;
    let recorded: JournalEnd | undefined;
    let chunk = journal.bytes;
    while (this.#divergence === undefined && !this.#stopped && journal.next()) {
      if (journal.bytes !== chunk) {
        chunk = journal.bytes;
        if (this.#askToStop()) break;
      }
      if (recorded !== undefined) throw bad('entries follow its end');
      this.#entries++;
      this.#closeWrite();
      if (journal.instret > this.#maxInstructions) {
        throw bad(`it runs to instruction ${journal.instret}, further than a replay may go`);
      }
      this.#apply();
      if (journal.kind === 'end' && this.#divergence === undefined && !this.#stopped) recorded = journal.end;
    }
    if (this.#times > 0 && this.#divergence === undefined && !this.#stopped) this.#runTo(journal.instret + 1);
    return this.#result(recorded);
  }

  #result(recorded: JournalEnd | undefined): ReplayResult {
    const outputDigest = this.#digest.hex();
    const ramDigest = sha256(this.#memory.u8);
    const state = stateDigest(this.#vcpu);
    if (recorded !== undefined && this.#divergence === undefined) {
      this.#expect('output digest', recorded.outputDigest, outputDigest);
      this.#expect('state digest', recorded.stateDigest, state);
      this.#expect('memory digest', recorded.ramDigest, ramDigest);
    }
    const complete = recorded !== undefined;
    return {
      complete,
      stopped: this.#stopped,
      identical: complete && this.#divergence === undefined,
      instret: this.#vcpu.instret,
      entries: this.#entries,
      outputDigest,
      ramDigest,
      stateDigest: state,
      recorded,
      console: this.#outputs.console,
      reports: this.#outputs.reports,
      truncated: this.#outputs.truncated,
      divergence: this.#divergence,
    };
  }

  #apply(): void {
    const journal = this.#journal;
    switch (journal.kind) {
      case 'interrupt-set':
      case 'interrupt-clear':
        if (this.#runTo(journal.instret)) {
          this.#vcpu.setInterruptPending(1 << journal.value, journal.kind === 'interrupt-set');
        }
        break;
      case 'time':
        this.#applyTime();
        break;
      case 'dma-read':
      case 'dma-write':
        this.#applyDma();
        break;
      case 'lockup':
        this.#runToExit('lockup');
        break;
      case 'hypercall':
      case 'hypercall-result':
        this.#applyHypercall();
        break;
      case 'end':
        if (this.#runTo(journal.instret)) this.#expect('open exit', 'none', this.#open);
        break;
      case 'start':
        throw bad('a guest starts twice in it');
      default:
        this.#applyMmio();
    }
  }

  #applyMmio(): void {
    const journal = this.#journal;
    const vcpu = this.#vcpu;
    switch (journal.kind) {
      case 'mmio-read-open':
        if (this.#runToMmio('mmio-read')) this.#openExit('mmio-read');
        break;
      case 'mmio-read':
        if (this.#open !== 'mmio-read' && !this.#runToMmio('mmio-read')) return;
        this.#open = 'none';
        vcpu.completeMmioRead(journal.value, journal.valueHigh);
        break;
      case 'mmio-write':
        if (!this.#runToMmio('mmio-write')) return;
        this.#openExit('mmio-write');
        this.#digest.mmioWrite(journal.instret, journal.gpa, journal.size, journal.value, journal.valueHigh);
        this.#outputs.mmioWrite(journal.gpa, journal.value);
        break;
      case 'load-fault':
        if (this.#runToMmio('mmio-read')) vcpu.completeAccessFault();
        break;
      case 'store-fault':
        if (this.#open !== 'mmio-write') throw bad('a store faults in it that was not made');
        this.#open = 'none';
        vcpu.completeAccessFault();
        break;
    }
  }

  #applyHypercall(): void {
    const journal = this.#journal;
    if (journal.kind === 'hypercall') {
      if (!this.#runToExit('hypercall')) return;
      const actual = this.#registers();
      this.#calledWith.set(actual);
      if (actual.some((register, i) => register !== journal.registers[i])) {
        this.#expect('hypercall (a7, a6, a0..a5)', hexList(journal.registers), hexList(actual));
      }
      this.#digest.hypercall(journal.instret, actual);
      this.#openExit('hypercall');
      return;
    }
    if (this.#open !== 'hypercall') throw bad('a hypercall is answered in it that was not made');
    this.#open = 'none';
    this.#outputs.hypercall(this.#calledWith, journal.error, journal.value);
    this.#repeatFence();
    this.#vcpu.completeHypercall(journal.error, journal.hasValue ? journal.value : undefined);
  }

  /** The machine had the hart execute a remote fence inside the call. */
  #repeatFence(): void {
    if (this.#hypercalls !== 'supervisor' || this.#journal.error !== 0 || !addressesHart0(this.#calledWith)) return;
    const fence = fenceOf(this.#calledWith);
    if (fence === 'code') this.#vcpu.fenceCode();
    else if (fence === 'tlb') this.#vcpu.fenceMemory();
  }

  #applyDma(): void {
    const { instret, gpa, length, value, bytes, offset } = this.#journal;
    const memory = this.#memory;
    if (!memory.contains(gpa, length)) throw bad(`it has DMA at 0x${gpa.toString(16)}, outside RAM`);
    if (this.#open === 'none' && !this.#runTo(instret)) return;
    const at = gpa - memory.ramBase;
    if (this.#journal.kind === 'dma-write') {
      for (let i = 0; i < length; i++) memory.u8[at + i] = bytes[offset + i];
      this.#vcpu.invalidateCode(gpa, length);
      this.#outputs.dmaWrite(gpa, length);
      return;
    }
    const hash = hashBytes(memory.u8, at, length);
    this.#digest.dmaRead(instret, gpa, length, hash);
    if (hash !== value) this.#expect(`hash of ${length} bytes read at ${hex(gpa)}`, hex(value), hex(hash));
  }

  /** Nothing enters the guest with a read of `time` but its answer: it is kept until the guest is run to another entry. */
  #applyTime(): void {
    const { instret, value } = this.#journal;
    this.#checkStart();
    if (this.#times === TIMES && !this.#runTo(instret)) return;
    this.#timeInstret[this.#times] = instret;
    this.#timeValue[this.#times] = value;
    this.#times++;
  }

  #readTime(instret: number): number {
    const next = this.#timesRead;
    if (next < this.#times && this.#timeInstret[next] === instret) {
      this.#timesRead++;
      return this.#timeValue[next];
    }
    this.#diverge(this.#nextEntry(), 'a read of time', instret);
    return 0;
  }

  /** After a run that leaves every read of `time` behind it. */
  #checkTimes(): void {
    if (this.#timesRead < this.#times) this.#diverge(this.#nextEntry(), 'none');
    this.#times = 0;
    this.#timesRead = 0;
  }

  /** Retires instructions up to `instret`; false when something else happens on the way. */
  #runTo(instret: number): boolean {
    const vcpu = this.#vcpu;
    this.#checkStart();
    while (vcpu.instret < instret) {
      const exit = this.#advance(instret);
      if (exit === undefined) return false;
      if (exit.reason !== 'until' && exit.reason !== 'wfi') {
        this.#diverge(this.#nextEntry(), describe(exit));
        return false;
      }
    }
    this.#checkTimes();
    return this.#divergence === undefined;
  }

  /** Nothing is open, and the entry does not lie behind the guest. */
  #checkStart(): void {
    const { instret } = this.#journal;
    if (this.#open !== 'none') throw bad(`an exit (${this.#open}) is left open in it`);
    if (instret < this.#vcpu.instret) throw bad(`its instruction counts go back to ${instret}`);
  }

  /** Runs up to an instruction, an exit, or the next question whether to stop; undefined once the answer is yes. */
  #advance(untilInstret: number): VmExit | undefined {
    if (this.#vcpu.instret >= this.#askInstret && this.#askToStop()) return undefined;
    return this.#vcpu.run(Math.min(untilInstret, this.#askInstret));
  }

  #askToStop(): boolean {
    if (this.#shouldStop === undefined) return false;
    this.#askInstret = this.#vcpu.instret + ASK_INSTRUCTIONS;
    this.#stopped = this.#shouldStop();
    return this.#stopped;
  }

  /** Runs through the instruction at which the entry happened: nothing enters the guest on the way. */
  #runThrough(): VmExit | undefined {
    const { instret } = this.#journal;
    const vcpu = this.#vcpu;
    for (;;) {
      const exit = this.#advance(instret + 1);
      if (exit === undefined) return undefined;
      if ((exit.reason === 'wfi' || exit.reason === 'until') && vcpu.instret <= instret) continue;
      this.#checkTimes();
      return exit;
    }
  }

  #runToExit(reason: 'mmio-read' | 'mmio-write' | 'hypercall' | 'lockup'): VmExit | undefined {
    this.#checkStart();
    const exit = this.#runThrough();
    if (exit === undefined) return undefined;
    const isThere = this.#vcpu.instret === this.#journal.instret;
    if (exit.reason === reason && isThere && this.#divergence === undefined) return exit;
    this.#diverge(this.#nextEntry(), describe(exit));
    return undefined;
  }

  #runToMmio(reason: 'mmio-read' | 'mmio-write'): boolean {
    const exit = this.#runToExit(reason);
    if (exit === undefined) return false;
    const { gpa, size, value, valueHigh } = this.#journal;
    const isSame = exit.gpa === gpa && exit.size === size;
    if (isSame && (reason === 'mmio-read' || (exit.value === value && exit.valueHigh === valueHigh))) return true;
    this.#diverge(this.#nextEntry(), describe(exit));
    return false;
  }

  #openExit(kind: 'mmio-read' | 'mmio-write' | 'hypercall'): void {
    this.#open = kind;
    this.#openInstret = this.#vcpu.instret;
  }

  /** A write's exit ends with the first entry that did not happen inside it. */
  #closeWrite(): void {
    if (this.#open !== 'mmio-write') return;
    const { kind, instret } = this.#journal;
    const isInside = instret === this.#openInstret && (kind === 'dma-read' || kind === 'dma-write');
    if (isInside || kind === 'store-fault') return;
    this.#open = 'none';
    this.#vcpu.completeMmioWrite();
  }

  #nextEntry(): string {
    if (this.#timesRead < this.#times) {
      return `a read of time at instruction ${this.#timeInstret[this.#timesRead]}`;
    }
    const { kind, instret, gpa, size, value } = this.#journal;
    switch (kind) {
      case 'mmio-read':
      case 'mmio-read-open':
      case 'load-fault':
        return `a ${size}-byte read at ${hex(gpa)} at instruction ${instret}`;
      case 'mmio-write':
        return `a ${size}-byte write of ${hex(value)} to ${hex(gpa)} at instruction ${instret}`;
      default:
        return `${kind} at instruction ${instret}`;
    }
  }

  #expect(what: string, expected: string, actual: string): void {
    if (expected !== actual) this.#diverge(`${what} ${expected}`, `${what} ${actual}`);
  }

  #diverge(expected: string, actual: string, instret = this.#vcpu.instret): void {
    this.#divergence ??= {
      instret,
      expected,
      actual,
      sentence: `The replay left the recorded run at instruction ${instret}: expected ${expected}, found ${actual}.`,
    };
  }
}

function guestMemory(image: GuestImage, start: JournalStart): GuestMemory {
  try {
    const memory = new GuestMemory(start.ramBytes, start.ramBase);
    placeImage(image, memory);
    return memory;
  } catch (cause) {
    throw bad('its guest has a memory that cannot be', cause);
  }
}

function describe(exit: VmExit): string {
  switch (exit.reason) {
    case 'mmio-read':
      return `a ${exit.size}-byte read at ${hex(exit.gpa)}`;
    case 'mmio-write':
      return `a ${exit.size}-byte write of ${hex(exit.value)} to ${hex(exit.gpa)}`;
    case 'hypercall':
      return 'a hypercall';
    case 'until':
      return 'no exit';
    case 'wfi':
      return 'a wait for an interrupt';
    case 'lockup':
      return 'a trap handler that traps itself';
    case 'breakpoint':
      return 'a breakpoint';
  }
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

function hexList(values: Uint32Array): string {
  return Array.from(values, hex).join(' ');
}

function bad(what: string, cause?: unknown): VmmError {
  return new VmmError('VMM_JOURNAL', `The journal cannot be replayed: ${what}.`, {
    hint: 'Replay it with the image and the version of the program that recorded it.',
    ...(cause === undefined ? {} : { cause }),
  });
}
