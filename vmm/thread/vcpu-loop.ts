/** What the thread of a vCPU does: lets in what waits outside, runs the guest for a slice, and sleeps when the guest does. */

import type { CyclicSchedule, WallClock } from '../../base/index.js';
import { isBoardAcquisition, isCharacterAcquisition, isUrbAcquisition } from '../machine/acquisition.js';
import type { Machine } from '../machine/machine.js';
import { BoardRequests } from './board-requests.js';
import { CharacterPort, UrbPort } from './port-backend.js';
import { SectionPort } from './section-port.js';
import { SharedRing } from './shared-ring.js';
import { ACTIVITY, CONTROL, FIGURE, INBOUND, INBOUND_WORDS, ORDER, type ThreadMemory } from './thread-protocol.js';
import type { VcpuOutbox } from './vcpu-outbox.js';

export interface VcpuLoopOptions {
  readonly machine: Machine;
  /** Polled: this thread never comes back to its event loop while it runs. */
  readonly clock: WallClock;
  readonly memory: ThreadMemory;
  readonly outbox: VcpuOutbox;
  /** Instructions between two looks outside. */
  readonly sliceInstructions: number;
  /** How long the thread looks again and again before it lets the host put it to sleep, and before its next timer is due. */
  readonly spinNs: number;
  /** The windows in which the guest may run; always when absent. Left within a slice. */
  readonly turns: { readonly schedule: CyclicSchedule; readonly owner: string } | undefined;
}

/** Exits between two looks outside. */
const SLICE_EXITS = 64;
const NS_PER_MS = 1_000_000;
/** Looks at the signal for one at the clock, which allocates. */
const LOOKS = 64;
/** The longest sleep without a timer of the machine: only for the sake of a clock that is looked at now and then. */
const LONGEST_SLEEP_NS = 1e9;

/** Everything enters the guest here, between two slices, and is journalled with the instructions retired by then. */
export class VcpuLoop {
  readonly #options: VcpuLoopOptions;
  readonly #inbound: SharedRing;
  readonly #control: Int32Array;
  readonly #figures: Float64Array;
  readonly #characters: CharacterPort | undefined;
  readonly #urbs: UrbPort | undefined;
  readonly #board: BoardRequests | undefined;
  readonly #sections: SectionPort | undefined;
  readonly #regions: readonly string[];
  readonly #hasRings: boolean;
  #boundaries = 0;
  #flushes = 0;
  /** When the burst that is being let in was handed over; 0 without a stamp. */
  #stampNs = 0;
  /** When the event of the interrupts that follow was; 0 without one. */
  #givenEventNs = 0;

  constructor(options: VcpuLoopOptions) {
    const { machine, memory, outbox } = options;
    this.#options = options;
    this.#inbound = new SharedRing(memory.inbound, INBOUND_WORDS);
    this.#control = new Int32Array(memory.control);
    this.#figures = new Float64Array(memory.figures);
    this.#regions = machine.core.regionNames;
    const { serialRing, urbRing, boardWindow, reportRing, sharedMemory } = machine.plan;
    const section = sharedMemory?.doorbell === 'ring' ? sharedMemory : undefined;
    this.#hasRings = [serialRing, urbRing, boardWindow, reportRing, section].some((area) => area !== undefined);
    const { acquisition, sharedMemory: shared } = machine;
    if (shared !== undefined) this.#sections = new SectionPort(shared, options.clock, outbox);
    if (acquisition === undefined) return;
    if (isUrbAcquisition(acquisition)) this.#urbs = new UrbPort(acquisition, outbox);
    else if (isBoardAcquisition(acquisition))
      this.#board = new BoardRequests(acquisition, {
        outbox,
        control: this.#control,
        now: () => options.clock.now(),
        spinNs: options.spinNs,
        letIn: () => this.#letIn(),
      });
    else if (isCharacterAcquisition(acquisition))
      this.#characters = new CharacterPort(acquisition, outbox, this.#control);
  }

  /** Runs until it is told to seal. A guest that has ended rests until then. */
  run(): void {
    const { machine, clock, outbox } = this.#options;
    for (;;) {
      const seen = Atomics.load(this.#control, CONTROL.signal);
      const order = Atomics.load(this.#control, CONTROL.order);
      if (order === ORDER.seal) break;
      this.#letIn();
      clock.runDue();
      const waitNs = order === ORDER.run ? this.#untilTurnNs() : 0;
      const runs = order === ORDER.run && waitNs === 0;
      if (runs && machine.activity === 'running') {
        this.#slice();
        if (this.#sections?.isKicked === true) clock.runDue();
        // Nothing but looking tells what the guest has put into its rings before it went to rest.
        if (this.#hasRings && machine.activity !== 'running') outbox.tell();
      }
      outbox.commit();
      this.#flushJournal();
      this.#show();
      if (!runs || machine.activity !== 'running') this.#rest(seen, waitNs);
    }
    this.#letIn();
    outbox.commit();
    this.#show();
  }

  #slice(): void {
    const { machine, sliceInstructions } = this.#options;
    const { core, limits } = machine;
    const most = limits.instructions ?? Number.MAX_SAFE_INTEGER;
    const until = Math.min(core.vcpu.instret + sliceInstructions, most);
    for (let exits = 0; exits < SLICE_EXITS && core.activity === 'running' && core.vcpu.instret < until; exits++)
      core.step(until);
    if (core.activity === 'running' && core.vcpu.instret >= most)
      core.finish('limit', 0, `${core.subject} was stopped after its limit of ${most} instructions.`);
  }

  /** How long the guest has to wait for its next window; 0 within one. */
  #untilTurnNs(): number {
    const { turns, clock } = this.#options;
    if (turns === undefined) return 0;
    const nowNs = clock.now();
    return Math.max(0, Math.min(LONGEST_SLEEP_NS, turns.schedule.nextStartNs(turns.owner, nowNs) - nowNs));
  }

  #flushJournal(): void {
    const flushes = Atomics.load(this.#control, CONTROL.flushes);
    if (flushes === this.#flushes) return;
    this.#flushes = flushes;
    this.#options.machine.flushJournal();
  }

  #show(): void {
    const { machine } = this.#options;
    const { exits, instret, activity } = machine;
    const figures = this.#figures;
    figures[FIGURE.instret] = instret;
    figures[FIGURE.mmioReads] = exits.mmioReads;
    figures[FIGURE.mmioWrites] = exits.mmioWrites;
    figures[FIGURE.hypercalls] = exits.hypercalls;
    figures[FIGURE.faults] = exits.faults;
    figures[FIGURE.idle] = exits.idle;
    figures[FIGURE.boundaries] = this.#boundaries;
    for (let i = 0; i < this.#regions.length; i++) {
      const at = FIGURE.regions + 2 * i;
      figures[at] = exits.readsOf(i);
      figures[at + 1] = exits.writesOf(i);
    }
    const shown = ACTIVITY[activity];
    if (Atomics.exchange(this.#control, CONTROL.activity, shown) !== shown) this.#options.outbox.tell();
  }

  /** Until something is signalled after `seen`, a timer of the machine is due, or `waitNs` (unless 0) have passed. */
  #rest(seen: number, waitNs: number): void {
    const { clock, spinNs } = this.#options;
    const startNs = clock.now();
    const wakeNs = Math.min(clock.nextDueNs(), startNs + (waitNs === 0 ? LONGEST_SLEEP_NS : waitNs));
    if (this.#spin(seen, Math.min(wakeNs, startNs + spinNs))) return;
    // The host wakes late: what is due is awaited by looking for its last part, so that it is met and not missed.
    const sleepMs = (wakeNs - spinNs - clock.now()) / NS_PER_MS;
    if (sleepMs > 0) {
      Atomics.store(this.#control, CONTROL.isWaiting, 1);
      Atomics.wait(this.#control, CONTROL.signal, seen, sleepMs);
      Atomics.store(this.#control, CONTROL.isWaiting, 0);
    }
    this.#spin(seen, wakeNs);
  }

  /** Looks again and again until `untilNs`; true as soon as something is signalled after `seen`. */
  #spin(seen: number, untilNs: number): boolean {
    const { clock } = this.#options;
    while (clock.now() < untilNs)
      for (let i = 0; i < LOOKS; i++) if (Atomics.load(this.#control, CONTROL.signal) !== seen) return true;
    return false;
  }

  /** Lets in all that waits; characters and completions are handed to the frontend, memory is written. */
  #letIn(): void {
    let place = this.#inbound.next();
    if (place < 0) return;
    this.#boundaries++;
    for (; place >= 0; place = this.#inbound.next()) {
      this.#take(this.#inbound.kindAt(place), place + 1);
      this.#inbound.release(place);
    }
  }

  #take(kind: number, at: number): void {
    const { machine } = this.#options;
    const { words, bytes } = this.#inbound;
    const first = words[at];
    const second = words[at + 1];
    switch (kind) {
      case INBOUND.dmaWrite:
        machine.dma.write(first >>> 0, bytes, 4 * (at + 2), second);
        break;
      case INBOUND.dmaWord16:
        machine.dma.writeU16(first >>> 0, second & 0xffff);
        break;
      case INBOUND.dmaWord32:
        machine.dma.writeU32(first >>> 0, second >>> 0);
        break;
      case INBOUND.dmaRead:
        machine.dma.haveRead(first >>> 0, second, words[at + 2] >>> 0);
        break;
      case INBOUND.interrupts:
        if (first !== 0) machine.setPending(first, true, this.#eventNs());
        if (second !== 0) machine.core.setPending(second, false);
        this.#tellHandover();
        break;
      case INBOUND.stamp:
        this.#stampNs = first * NS_PER_MS + second;
        break;
      case INBOUND.event:
        this.#givenEventNs = first * NS_PER_MS + second;
        break;
      case INBOUND.sectionCarry:
        this.#sections?.carry(bytes, 4 * (at + 2), first, second);
        break;
      case INBOUND.sectionRing:
        this.#sections?.ring(first);
        break;
      default:
        this.#takeForPort(kind, at);
    }
  }

  #takeForPort(kind: number, at: number): void {
    const { words, bytes } = this.#inbound;
    const { machine } = this.#options;
    switch (kind) {
      case INBOUND.characters:
        this.#characters?.receive(bytes, 4 * (at + 1), words[at]);
        break;
      case INBOUND.overrun:
        this.#characters?.overrun();
        break;
      case INBOUND.modemStatus:
        this.#characters?.modemStatus(words[at]);
        break;
      case INBOUND.urbDone:
        this.#urbs?.done(words[at], words[at + 1], words[at + 2], bytes, 4 * (at + 4), words[at + 3]);
        break;
      case INBOUND.plugged:
        this.#urbs?.plugged(words[at], words[at + 1]);
        break;
      case INBOUND.disconnected:
        this.#characters?.disconnected(words[at] === 1);
        break;
      case INBOUND.boardLine:
        this.#board?.line(words[at] === 1);
        this.#tellHandover();
        break;
      case INBOUND.boardAnswer:
        this.#board?.answered(words[at], words[at + 1]);
        break;
      case INBOUND.flush:
        machine.acquisition?.flush();
        this.#tellHandover();
        break;
    }
  }

  /** When the event was for which interrupts are set, as the thread knows that set them. */
  #eventNs(): number | undefined {
    const eventNs = this.#givenEventNs || this.#stampNs;
    this.#givenEventNs = 0;
    return eventNs === 0 ? undefined : eventNs;
  }

  /** How long the burst took from the other thread to the frontend. */
  #tellHandover(): void {
    if (this.#stampNs === 0) return;
    const { clock, outbox } = this.#options;
    outbox.handover(this.#stampNs, clock.now());
    this.#stampNs = 0;
  }
}
