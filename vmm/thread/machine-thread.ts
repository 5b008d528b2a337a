/** A machine whose vCPU runs in a thread of its own, as the thread sees it that owns the machine's device. */

import type { Worker } from 'node:worker_threads';
import type { WallClock } from '../../base/index.js';
import { BOARD } from '../boot/board-map.js';
import { GuestMemory } from '../cpu/guest-memory.js';
import { ReportRing, type ReportSink } from '../devices/report-ring.js';
import { VmmError } from '../errors.js';
import type { JournalEnd } from '../journal/journal-format.js';
import type { Acquisition } from '../machine/acquisition.js';
import type { ExitSnapshot, RegionExits } from '../machine/exit-counters.js';
import type { InterruptLatencies, InterruptName, MeasuredInterrupts } from '../machine/interrupt-log.js';
import type { MachineEnd } from '../machine/machine-end.js';
import { type MemoryPlan, planMemory } from '../machine/memory-plan.js';
import { RemoteRam } from './remote-ram.js';
import { type ThreadSections, threadSections } from './remote-sections.js';
import { createThreadPort } from './thread-acquisition.js';
import type { ThreadMachineConfig, ThreadMessage, ThreadOrder, ThreadSchedule } from './thread-messages.js';
import { ThreadOutlet } from './thread-outlet.js';
import { ACTIVITY, CONTROL, createThreadMemory, FIGURE, ORDER, type ThreadMemory } from './thread-protocol.js';
import { VcpuInbox } from './vcpu-inbox.js';
import { startWorker, type VcpuThread } from './vcpu-thread.js';

/** What comes of a thread. Nothing here is called before `start` has resolved, or after `sealed` has. */
export interface MachineThreadListener {
  /** One chunk of the journal, to be kept. */
  readonly journal: (bytes: Uint8Array) => void;
  readonly console: (byte: number) => void;
  /** By hypercall or from the report ring; the record is valid during the call. */
  readonly report: (record: Uint8Array, length: number, atNs: number) => void;
  /** A burst that this thread handed over at `fromNs` was let into the guest at `toNs`. */
  readonly handover?: (fromNs: number, toNs: number) => void;
  /** What follows left the guest's frontend at `fromNs`; for emulated frontends alone, since nothing tells when a guest writes into a ring. */
  readonly departure?: (fromNs: number) => void;
  /** There is something to `poll`, while nobody polls. */
  readonly news: () => void;
}

export interface MachineThreadOptions {
  /** Instructions between two looks outside: what enters the guest waits so long at most. */
  readonly sliceInstructions?: number;
  /** How long an idle vCPU looks again and again before it is put to sleep, and before its next timer is due. */
  readonly spinNs?: number;
  /** Windows in which the vCPU runs, where it shares its core; always when absent. */
  readonly schedule?: ThreadSchedule;
  /** The thread to run in, which no other machine has; one that ends with this machine when absent. */
  readonly thread?: VcpuThread;
}

const SLICE_INSTRUCTIONS = 5_000;
const SPIN_NS = 20_000;

export class MachineThread {
  readonly name: string;
  readonly clock: WallClock;
  readonly acquisition: Acquisition | undefined;
  /** Memory shared with another guest; undefined for a guest made without. */
  readonly sharedMemory: ThreadSections | undefined;
  /** Latencies of measured interrupts, from when it is sealed on; undefined where none is measured. */
  interrupts: { of(name: InterruptName): InterruptLatencies | undefined } | undefined;
  readonly exits: { snapshot(): ExitSnapshot; of(region: string): number };
  readonly memory: GuestMemory;
  readonly plan: MemoryPlan;
  readonly #worker: Worker;
  readonly #thread: VcpuThread | undefined;
  readonly #control: Int32Array;
  readonly #figures: Float64Array;
  readonly #inbox: VcpuInbox;
  readonly #outlet: ThreadOutlet;
  readonly #reportRing: ReportRing | undefined;
  readonly #report: ReportSink;
  readonly #listener: MachineThreadListener;
  readonly #ready: Promise<void>;
  readonly #sealed: Promise<JournalEnd>;
  #regions: readonly string[] = [];
  #threadId: number | undefined;
  #end: MachineEnd | undefined;
  #lost: VmmError | undefined;
  /** Rejects whoever waits for the thread; once, and not behind its end. */
  #lose: (error: VmmError) => void = () => {};
  #isDone = false;
  /** The thread is no longer this machine's. */
  #hasLeft = false;
  #sealing: Promise<JournalEnd | undefined> | undefined;

  /** Starts the thread; its machine can be joined to a device at once, and `ready` tells when it is built. */
  constructor(
    config: ThreadMachineConfig,
    clock: WallClock,
    listener: MachineThreadListener,
    options: MachineThreadOptions = {},
  ) {
    this.name = config.name;
    this.clock = clock;
    this.#listener = listener;
    this.plan = planMemory(config);
    this.memory = new GuestMemory(this.plan.ramBytes, BOARD.ram.base);
    const memory = createThreadMemory();
    this.#control = new Int32Array(memory.control);
    this.#figures = new Float64Array(memory.figures);
    const { report, console, handover = () => {}, departure = () => {} } = listener;
    this.#outlet = new ThreadOutlet(memory, { report, console, handover, departure });
    this.#inbox = new VcpuInbox(
      memory,
      () => this.#outlet.gather(),
      (error) => this.#lose(error),
    );
    this.#report = (record, length) => report(record, length, clock.now());
    this.exits = { snapshot: () => this.#snapshot(), of: (region) => this.#exitsOf(region) };
    const ram = new RemoteRam(this.memory, this.#inbox);
    const { reportRing } = this.plan;
    this.#thread = options.thread;
    this.#worker = this.#start(config, memory, options);
    const { ready, sealed } = this.#watch();
    this.#ready = ready;
    this.#sealed = sealed;
    // Whoever waits for the one hears of a loss; the other must not end the process for it.
    sealed.catch(() => {});
    if (reportRing !== undefined) {
      this.#reportRing = new ReportRing({ ram, base: reportRing.gpa, dataBytes: reportRing.dataBytes });
      this.#reportRing.initialise();
    }
    const { plan } = this;
    this.acquisition = createThreadPort({
      ...{ kind: config.acquisition?.kind, clock, plan, ram },
      ...{ inbox: this.#inbox, outlet: this.#outlet, control: this.#control },
    });
    this.sharedMemory = threadSections({
      plan,
      clock,
      // A sender may write its section at any time: what has been carried is in the journal of the one who got it.
      ram: new RemoteRam(this.memory, this.#inbox, true),
      inbox: this.#inbox,
      outlet: this.#outlet,
      news: listener.news,
    });
    this.#inbox.commit();
  }

  /** Resolves when the machine is built; rejects with the error that kept it from being. */
  ready(): Promise<void> {
    return this.#ready;
  }

  /** The guest runs from here on. */
  run(): void {
    this.#order(ORDER.run);
  }

  /** Linux' id of the vCPU's thread, to place it; undefined before it is ready, and on other systems. */
  get threadId(): number | undefined {
    return this.#threadId;
  }

  get activity(): 'running' | 'idle' | 'ended' {
    const activity = Atomics.load(this.#control, CONTROL.activity);
    return activity === ACTIVITY.running ? 'running' : activity === ACTIVITY.idle ? 'idle' : 'ended';
  }

  get end(): MachineEnd | undefined {
    return this.#end;
  }

  /** Set when the thread ended by itself, or has stood still for 5 s while something was to enter its guest. */
  get lost(): VmmError | undefined {
    return this.#lost;
  }

  /** Retired instructions, a slice behind at most. */
  get instret(): number {
    return this.#figures[FIGURE.instret];
  }

  /** Turns at which something from outside entered the guest. */
  get boundaries(): number {
    return this.#figures[FIGURE.boundaries];
  }

  get reportsDropped(): number {
    return this.#reportRing?.dropped ?? 0;
  }

  get reportFault(): string {
    return this.#reportRing?.fault ?? '';
  }

  /** One turn of the I/O loop: takes what the guest has sent and put into its rings. Answers how much that was. */
  poll(): number {
    let moved = this.#outlet.take();
    this.#outlet.characters?.poll();
    moved += this.acquisition?.poll() ?? 0;
    moved += this.sharedMemory?.poll() ?? 0;
    moved += this.pollReports();
    this.#inbox.commit();
    return moved;
  }

  pollReports(): number {
    return this.#reportRing?.poll(this.#report) ?? 0;
  }

  /** Asks to be told once, by `news`, of the next thing to poll. Poll once more before resting: something may have come meanwhile. */
  listen(): void {
    Atomics.store(this.#control, CONTROL.isListening, 1);
  }

  /** Asks for what the journal has gathered since its last chunk; it comes by `journal`, within a slice. */
  flushJournal(): void {
    Atomics.add(this.#control, CONTROL.flushes, 1);
    this.#inbox.signal();
  }

  /**
   * The guest runs no more; resolves with the journal's last entry when all that it sent has been handed on, and with
   * undefined when it was killed before. Idempotent.
   */
  seal(): Promise<JournalEnd | undefined> {
    this.#sealing ??= this.#seal();
    return this.#sealing;
  }

  /** Ends the thread at once, whatever it does; what its journal holds by then is kept. */
  async kill(): Promise<void> {
    this.#isDone = true;
    this.#inbox.close();
    this.#sealing ??= Promise.resolve(undefined);
    if (this.#thread === undefined) await this.#worker.terminate();
    else if (!this.#hasLeft) await this.#thread.discard();
    this.#hasLeft = true;
  }

  async #seal(): Promise<JournalEnd> {
    this.poll();
    this.#order(ORDER.seal);
    const end = await this.#sealed;
    this.#inbox.close();
    this.poll();
    if (this.#thread === undefined) await this.#worker.terminate();
    else this.#thread.release();
    this.#hasLeft = true;
    return end;
  }

  #order(order: number): void {
    Atomics.store(this.#control, CONTROL.order, order);
    this.#inbox.signal();
  }

  #start(machine: ThreadMachineConfig, memory: ThreadMemory, options: MachineThreadOptions): Worker {
    const order: ThreadOrder = {
      machine,
      ram: this.memory.memory,
      memory,
      origin: this.clock.origin,
      sliceInstructions: options.sliceInstructions ?? SLICE_INSTRUCTIONS,
      spinNs: options.spinNs ?? SPIN_NS,
      ...(options.schedule === undefined ? {} : { schedule: options.schedule }),
    };
    return options.thread?.take(order) ?? startWorker(order);
  }

  #watch(): { readonly ready: Promise<void>; readonly sealed: Promise<JournalEnd> } {
    let isReady = (): void => {};
    let isSealed = (_: JournalEnd): void => {};
    let fail = (_: VmmError): void => {};
    const failed = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const ready = new Promise<void>((resolve) => {
      isReady = resolve;
    });
    const sealed = new Promise<JournalEnd>((resolve) => {
      isSealed = resolve;
    });
    this.#worker.on('message', (message: ThreadMessage) => this.#hear(message, isReady, isSealed));
    this.#lose = (error) => {
      if (this.#isDone || this.#lost !== undefined) return;
      this.#lost = error;
      Atomics.store(this.#control, CONTROL.activity, ACTIVITY.ended);
      fail(error);
      this.#listener.news();
    };
    this.#worker.once('error', (error: Error) => this.#lose(this.#lossOf(error)));
    this.#worker.once('exit', () => this.#lose(new VmmError('VMM_THREAD', `the thread of '${this.name}' has ended`)));
    failed.catch(() => {});
    return { ready: Promise.race([ready, failed]), sealed: Promise.race([sealed, failed]) };
  }

  #lossOf(error: Error): VmmError {
    const { code, message } = error as Error & { code?: unknown };
    const known = code === 'VMM_CONFIG' || code === 'VMM_IMAGE' || code === 'VMM_ENGINE' ? code : 'VMM_THREAD';
    return new VmmError(known, known === 'VMM_THREAD' ? `the thread of '${this.name}' failed: ${message}` : message, {
      where: this.name,
      cause: error,
    });
  }

  #hear(message: ThreadMessage, ready: () => void, sealed: (end: JournalEnd) => void): void {
    switch (message.kind) {
      case 'ready':
        this.#regions = message.regions;
        this.#threadId = message.threadId;
        ready();
        break;
      case 'news':
        this.#listener.news();
        break;
      case 'journal':
        this.#listener.journal(message.bytes);
        break;
      case 'ended':
        this.#end = message.end;
        this.#listener.news();
        break;
      case 'sealed':
        this.#isDone = true;
        this.#keepInterrupts(message.interrupts);
        sealed(message.end);
        break;
    }
  }

  #keepInterrupts(measured: MeasuredInterrupts): void {
    if (Object.keys(measured).length > 0) this.interrupts = { of: (name) => measured[name] };
  }

  #snapshot(): ExitSnapshot {
    const figures = this.#figures;
    const mmioReads = figures[FIGURE.mmioReads];
    const mmioWrites = figures[FIGURE.mmioWrites];
    const hypercalls = figures[FIGURE.hypercalls];
    return {
      total: mmioReads + mmioWrites + hypercalls,
      mmioReads,
      mmioWrites,
      hypercalls,
      faults: figures[FIGURE.faults],
      idle: figures[FIGURE.idle],
      regions: this.#regions
        .map((region, i) => this.#region(region, i))
        .filter(({ reads, writes }) => reads + writes > 0),
    };
  }

  #region(region: string, index: number): RegionExits {
    const at = FIGURE.regions + 2 * index;
    return { region, reads: this.#figures[at], writes: this.#figures[at + 1] };
  }

  #exitsOf(name: string): number {
    const index = this.#regions.indexOf(name);
    if (index < 0) return 0;
    const { reads, writes } = this.#region(name, index);
    return reads + writes;
  }
}
