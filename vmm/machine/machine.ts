/** One machine: RAM, board, vCPU and journal joined, with the guest's image in place. */

import { type Clock, VirtualClock, WallClock } from '../../base/index.js';
import { BOARD } from '../boot/board-map.js';
import { placeImage } from '../boot/guest-image.js';
import { GuestMemory } from '../cpu/guest-memory.js';
import { INTERRUPT } from '../cpu/state-layout.js';
import type { HypercallMode, Vcpu } from '../cpu/vcpu.js';
import type { CharacterFrontend } from '../devices/character.js';
import { Clint, TICK_NS } from '../devices/clint.js';
import type { ReportRing, ReportSink } from '../devices/report-ring.js';
import type { HypercallTable } from '../hypercall/hypercall-table.js';
import { createSbi, type SbiHost } from '../hypercall/sbi.js';
import { createSupervisorSbi, type Fence } from '../hypercall/sbi-supervisor.js';
import type { JournalEnd, JournalStart } from '../journal/journal-format.js';
import { JournalWriter } from '../journal/journal-writer.js';
import { sha256 } from '../journal/output-digest.js';
import type { Acquisition } from './acquisition.js';
import { type Board, createBoard } from './board.js';
import { callRegisters } from './call-registers.js';
import { consoleInput } from './console-input.js';
import type { SharedMemoryPort } from './create-shared-memory.js';
import { createVcpu, startVcpu } from './create-vcpu.js';
import { DmaGate } from './dma-gate.js';
import type { ExitCounters } from './exit-counters.js';
import { firmwareInfo } from './firmware-info.js';
import { GuestGate } from './guest-gate.js';
import { InstructionTimebase } from './instruction-timebase.js';
import { InterruptLog } from './interrupt-log.js';
import type { MachineConfig } from './machine-config.js';
import { MachineCore } from './machine-core.js';
import { imageDigest, stateDigest } from './machine-digest.js';
import type { MachineEnd } from './machine-end.js';
import { type MemoryPlan, planMemory } from './memory-plan.js';
import { VcpuClock } from './vcpu-clock.js';
import { type MachineLimits, VirtualPace } from './virtual-pace.js';

const DEFAULT_CPU_HZ = 100_000_000;

/** A machine, ready to be run by a `VirtualScheduler` or a `WallRunner` of its clock's domain. */
export interface Machine {
  readonly name: string;
  /** What the machine's devices see: the vCPU's local time while the guest runs, the run's clock otherwise. */
  readonly clock: Clock;
  readonly acquisition: Acquisition | undefined;
  /** The console's UART, for typing at the guest. */
  readonly console: CharacterFrontend;
  /** Memory shared with another guest; undefined for a machine made without. */
  readonly sharedMemory: SharedMemoryPort | undefined;
  readonly exits: ExitCounters;
  /** Latencies of the interrupts that are measured; undefined when none is. */
  readonly interrupts: InterruptLog | undefined;
  readonly activity: 'running' | 'idle' | 'ended';
  /** How the guest ended; undefined while it has not. */
  readonly end: MachineEnd | undefined;
  /** Retired instructions. */
  readonly instret: number;
  /** The vCPU's local time; behind the run's clock while the guest waits. */
  readonly localNs: number;
  readonly memory: GuestMemory;
  /** The door for what devices write into the guest's memory and read from it. */
  readonly dma: DmaGate;
  readonly plan: MemoryPlan;
  /** Runs and answers the vCPU; what the schedulers drive. */
  readonly core: MachineCore;
  readonly limits: MachineLimits;
  /** Its pace in virtual time; undefined on a wall clock. */
  readonly pace: VirtualPace | undefined;
  /** Fetches records from the report ring to `onReport`; returns how many. 0 without a ring. */
  pollReports(): number;
  /** Sets or clears bits of `mip` from outside; `eventNs`: when the event was, on a wall clock, if it is known better than by now. */
  setPending(bits: number, pending: boolean, eventNs?: number): void;
  /** Why the report ring stands still because of what its guest did; empty while it works or is absent. */
  readonly reportFault: string;
  /** Records the guest could not put into the report ring, as it says; 0 without a ring. */
  readonly reportsDropped: number;
  /** Hands on what the journal has gathered, so that a killed run keeps it. */
  flushJournal(): void;
  /** Fingerprints of the guest as it stands. */
  digest(): JournalEnd;
  /** The guest runs no more: writes the journal's last entry, once, and returns it. */
  seal(): JournalEnd;
}

/**
 * Builds the board of `docs/guest-abi.md` around the image and resets the vCPU; nothing runs yet.
 * Throws `VMM_CONFIG` or `VMM_IMAGE`, in one sentence, before anything is written to the journal.
 */
export function createMachine(config: MachineConfig): Machine {
  const plan = planMemory(config);
  const memory = new GuestMemory(plan.ramBytes, BOARD.ram.base, config.memory);
  placeImage(config.image, memory);
  return new BoardMachine(config, plan, memory);
}

class BoardMachine implements Machine {
  readonly name: string;
  readonly clock: Clock;
  readonly core: MachineCore;
  readonly dma: DmaGate;
  readonly pace: VirtualPace | undefined;
  readonly limits: MachineLimits;
  readonly #board: Board;
  readonly #reportRing: ReportRing | undefined;
  readonly #report: ReportSink;
  readonly #journal: JournalWriter | undefined;
  readonly interrupts: InterruptLog | undefined;
  #sealed: JournalEnd | undefined;

  constructor(
    config: MachineConfig,
    readonly plan: MemoryPlan,
    readonly memory: GuestMemory,
  ) {
    this.name = config.name;
    this.limits = config.limits ?? {};
    const onReport = config.onReport;
    this.#report = (record, length) => onReport?.(record, length);
    this.#journal = config.journal === undefined ? undefined : new JournalWriter(config.journal);
    const measured = config.measuredInterrupts ?? 0;
    this.interrupts =
      measured === 0 ? undefined : new InterruptLog(memory, measured, config.clock instanceof WallClock);
    const { interrupts } = this;
    const vcpu = createVcpu({
      engine: config.engine,
      xlen: plan.xlen,
      memory,
      host: {
        readTime: (instret) => gate.time(instret, this.#ticks(instret)),
        ...interruptHook(interrupts, (instret) => this.#timeNs(instret)),
      },
      hypercalls: config.image.hypercalls,
    });
    const gate = new GuestGate(vcpu, this.#journal);
    const ram = new DmaGate(memory, gate);
    this.dma = ram;
    this.core = new MachineCore({
      name: config.name,
      gate,
      vcpu,
      registers: callRegisters(memory, plan.xlen),
      now: () => this.clock.now(),
      ended: (end) => config.onEnd?.(end),
    });
    if (config.clock instanceof VirtualClock) {
      const timebase = new InstructionTimebase(config.cpuHz ?? DEFAULT_CPU_HZ);
      const clock = new VcpuClock(config.clock, timebase, vcpu);
      this.clock = clock;
      this.pace = new VirtualPace(this.core, { clock, timebase, exitCostNs: config.exitCostNs, limits: this.limits });
    } else {
      this.clock = config.clock;
    }
    this.#start(config);
    ram.write(plan.treeGpa, plan.tree, 0, plan.tree.length);
    if (plan.firmwareInfoGpa !== undefined) {
      const info = firmwareInfo(config.image.nextPc ?? 0);
      ram.write(plan.firmwareInfoGpa, info, 0, info.length);
    }
    this.#board = createBoard({
      isConsolePaced: config.isConsolePaced ?? true,
      ringsElsewhere: config.ringsElsewhere ?? false,
      clock: this.clock,
      ram,
      plan,
      acquisition: config.acquisition?.kind,
      devices: config.devices ?? {},
      seed: config.seed,
      epochMs: config.epochMs,
      setPending: (bits, pending, dueNs) => this.setPending(bits, pending, dueNs),
      setAgain: (bits, dueNs) => {
        if (this.pace === undefined) this.interrupts?.raisedAgain(bits, dueNs);
      },
      finish: ({ kind, code }) => this.#finish(kind, code),
      console: (byte) => config.onConsole?.(byte),
      consoleRoom: () => config.onConsoleRoom?.(),
    });
    this.#reportRing = this.#board.reportRing;
    this.core.connect(this.#board.bus, this.#hypercalls(config, ram));
  }

  #hypercalls(config: MachineConfig, ram: DmaGate): HypercallTable | undefined {
    const host: SbiHost = {
      inRam: (gpa, length) => ram.contains(gpa, length),
      readRam: (gpa, length) => ram.view(gpa, length),
      writeRam: (gpa, bytes, length) => ram.write(gpa, bytes, 0, length),
      console: (bytes) => {
        for (let i = 0; i < bytes.length; i++) config.onConsole?.(bytes[i]);
      },
      consoleInput: () => consoleInput(this.#board.console),
      setTimer: (ticks) => this.#board.clint.setTimer(ticks),
      systemReset: (kind) => this.#finish(kind, 0),
      report: this.#report,
    };
    const mode: HypercallMode = config.image.hypercalls;
    if (mode === 'none') return undefined;
    if (mode === 'machine') return createSbi(host, this.plan.xlen);
    // The timer of SBI, whose interrupt is that of S mode; the board's own stays with M mode, where nobody is.
    const timer = new Clint({
      clock: this.clock,
      setPending: (_, pending) => this.core.setPending(INTERRUPT.stip, pending),
    });
    return createSupervisorSbi({
      ...host,
      setTimer: (ticks) => timer.setTimer(ticks),
      softwareInterrupt: () => this.core.setPending(INTERRUPT.ssip, true),
      synchronize: (fence) => this.#synchronize(fence),
    });
  }

  /** The guest's only hart executes a fence that SBI was asked for. */
  #synchronize(fence: Fence): void {
    if (fence === 'code') this.#vcpu.fenceCode();
    else this.#vcpu.fenceMemory();
  }

  get acquisition(): Acquisition | undefined {
    return this.#board.acquisition;
  }

  get sharedMemory(): SharedMemoryPort | undefined {
    return this.#board.sharedMemory;
  }

  get console(): CharacterFrontend {
    return this.#board.console;
  }

  get exits(): ExitCounters {
    return this.core.exits;
  }

  get activity(): 'running' | 'idle' | 'ended' {
    return this.core.activity;
  }

  get end(): MachineEnd | undefined {
    return this.core.end;
  }

  get instret(): number {
    return this.#vcpu.instret;
  }

  get localNs(): number {
    return this.pace === undefined ? this.clock.now() : this.pace.localNs;
  }

  get reportFault(): string {
    return this.#reportRing?.fault ?? '';
  }

  get reportsDropped(): number {
    return this.#reportRing?.dropped ?? 0;
  }

  pollReports(): number {
    return this.#reportRing?.poll(this.#report) ?? 0;
  }

  flushJournal(): void {
    this.#journal?.flush();
  }

  digest(): JournalEnd {
    return {
      instret: this.instret,
      outputDigest: this.core.gate.digest.hex(),
      ramDigest: sha256(this.memory.u8),
      stateDigest: stateDigest(this.#vcpu),
    };
  }

  seal(): JournalEnd {
    if (this.#sealed !== undefined) return this.#sealed;
    this.#sealed = this.digest();
    this.#journal?.end(this.#sealed);
    return this.#sealed;
  }

  get #vcpu(): Vcpu {
    return this.core.vcpu;
  }

  #timeNs(instret: number): number {
    return this.pace === undefined ? this.clock.now() : this.pace.timeAt(instret);
  }

  #ticks(instret: number): number {
    return Math.floor(this.#timeNs(instret) / TICK_NS);
  }

  #start(config: MachineConfig): void {
    const { plan } = this;
    const start: JournalStart = {
      xlen: plan.xlen,
      ramBase: BOARD.ram.base,
      ramBytes: plan.ramBytes,
      entryPc: config.image.entry,
      deviceTreeGpa: plan.treeGpa,
      hypercalls: config.image.hypercalls,
      consoleGpa: BOARD.console.base,
      reportRingGpa: plan.reportRing?.gpa ?? 0,
      privilege: config.image.startPrivilege,
      firmwareInfoGpa: plan.firmwareInfoGpa ?? 0,
      image: imageDigest(config.image),
    };
    startVcpu(this.#vcpu, start);
    this.core.gate.digest.start(start);
    this.#journal?.start(start);
  }

  setPending(bits: number, pending: boolean, eventNs?: number): void {
    if (pending) this.interrupts?.raised(bits, this.#eventNs(eventNs));
    this.core.setPending(bits, pending);
  }

  /** In virtual time an event is when its instruction boundary is. */
  #eventNs(dueNs: number | undefined): number {
    return this.pace === undefined && dueNs !== undefined ? dueNs : this.clock.now();
  }

  #finish(kind: 'pass' | 'fail' | 'reset', code: number): void {
    const how = kind === 'reset' ? 'asked for a reset' : `ended with ${kind}`;
    this.core.finish(kind, code, `${this.core.subject} ${how}${code === 0 ? '' : ` (code ${code})`}.`);
  }
}

/** What the vCPU tells of interrupts that it takes; nothing when none is measured. */
function interruptHook(
  log: InterruptLog | undefined,
  timeNs: (instret: number) => number,
): { interruptTaken?(number: number, instret: number): void } {
  return log === undefined ? {} : { interruptTaken: (number, instret) => log.taken(number, timeNs(instret), instret) };
}
