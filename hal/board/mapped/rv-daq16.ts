/** The RV-DAQ16 in mapped memory: which of its registers mean addresses, what its host is shown of them, and when its line is high. */

import { unseenBlocks } from '../../simulators/daq-board/coalescing.js';
import {
  BAR_BYTES,
  CONTROL_WORDS,
  DAQ_ID,
  DAQ_MODE,
  DAQ_REGISTER,
  DAQ_STATUS,
  DAQ_VERSION,
  STATUS_WORDS,
} from '../../simulators/daq-board/registers.js';
import type { BoardMemory } from '../board-port.js';
import { BounceRing, type DmaArea } from './bounce-ring.js';
import type { MappedLine, RegisterTranslation } from './register-translation.js';

const R = DAQ_REGISTER;
const HIGH = 0x1_0000_0000;
const HALF = 0x7fff_ffff;

/** Why these registers are not those of an RV-DAQ16; undefined when they are. */
export function foreignDaq(registers: Uint32Array): string | undefined {
  const id = Atomics.load(registers, R.id / 4);
  const version = Atomics.load(registers, R.version / 4);
  if (id === 0xffff_ffff) return 'register ID reads FFFFFFFF, as of a board without power or one that is not decoded';
  if (id !== DAQ_ID) return `register ID reads ${hex(id)}, not ${hex(DAQ_ID)}`;
  if (version !== DAQ_VERSION) return `register VERSION reads ${version}, not ${DAQ_VERSION}`;
  return undefined;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0').toUpperCase();
}

/**
 * The host's RING_*, TAIL and descriptors are its own and never reach the board, which has a ring of its own (BounceRing).
 * Blocks are brought to the host when it reads a status word and when the board interrupts; HEAD shows what has been
 * brought. Runs have numbers of their own on the board. Status words of another run than the one that was asked for read 0, since a polled board follows later.
 */
export class MappedDaq implements RegisterTranslation {
  readonly #registers: Uint32Array;
  readonly #ring: BounceRing;
  readonly #control = new Uint32Array((CONTROL_WORDS.end - CONTROL_WORDS.first) / 4);
  #memory: BoardMemory | undefined;
  #line: MappedLine | undefined;
  #isRing = false;
  /** The host's memory refused a block, or it gave more than its ring holds, or the board counts wrongly. */
  #failed = false;
  #level = false;
  /** The board's interrupt came and was not let through again. */
  #isMasked = true;
  /** Number of the last run as the board knows it: never that of the run before, which a board that is polled would miss. */
  #boardRun = 0;
  /** What the host's RUN was before the present one. */
  #formerRun = 0;

  constructor(registers: Uint32Array, dma: DmaArea) {
    this.#registers = registers;
    this.#ring = new BounceRing(dma);
  }

  attach(memory: BoardMemory, line: MappedLine): void {
    this.#memory = memory;
    this.#line = line;
    this.#boardRun = this.#load(R.run) || this.#load(R.running);
    this.stop();
    for (let at = CONTROL_WORDS.first; at < CONTROL_WORDS.end; at += 4) this.#store(at, 0);
    this.#rearm();
  }

  read(offset: number): number {
    if (offset >= CONTROL_WORDS.first && offset < CONTROL_WORDS.end) return this.#word(offset);
    if (offset < 0 || offset >= BAR_BYTES) return 0xffff_ffff;
    if (offset === R.fifoData) return this.#takeSample();
    if (offset < STATUS_WORDS.first || offset >= STATUS_WORDS.end) return this.#load(offset);
    if (offset === R.running) return this.#isPresent ? this.#word(R.run) : this.#formerRun;
    return this.#statusWord(offset);
  }

  write(offset: number, value: number): void {
    if (offset < CONTROL_WORDS.first || offset >= CONTROL_WORDS.end) return;
    const former = this.#word(offset);
    const isNews = value >>> 0 !== former;
    this.#control[(offset - CONTROL_WORDS.first) / 4] = value;
    switch (offset) {
      case R.ringLow:
      case R.ringHigh:
      case R.ringSize:
        return;
      case R.run:
        if (isNews) this.#begin(former);
        return;
      case R.tail:
        this.#bring();
        return;
      default:
        this.#store(offset, value);
    }
    if (offset === R.acknowledge && isNews) this.#acknowledged();
    if (offset === R.mode && !this.#canInterrupt) this.#lower();
  }

  interrupted(): void {
    this.#isMasked = true;
    this.#bring();
    if (this.#wantsService()) this.#raise();
    else this.#rearm();
  }

  stop(): void {
    this.#isRing = false;
    this.#level = false;
    this.#store(R.mode, 0);
    this.#store(R.run, 0);
  }

  #begin(formerRun: number): void {
    const run = this.#word(R.run);
    this.#formerRun = formerRun;
    this.#failed = false;
    this.#isRing = run !== 0 && (this.#word(R.mode) & DAQ_MODE.dma) !== 0;
    const size = this.#word(R.ringSize);
    this.#ring.begin(this.#word(R.ringHigh) * HIGH + this.#word(R.ringLow), size);
    if (this.#isRing && this.#memory !== undefined) {
      this.#ring.give(this.#memory, this.#word(R.tail));
      this.#store(R.ringLow, this.#ring.busAddress % HIGH);
      this.#store(R.ringHigh, Math.floor(this.#ring.busAddress / HIGH));
      this.#store(R.ringSize, size);
      this.#store(R.tail, this.#ring.given);
    }
    if (run !== 0) this.#boardRun = (this.#boardRun % HALF) + 1;
    this.#store(R.run, run === 0 ? 0 : this.#boardRun);
    this.#lower();
  }

  /** The board has begun what was asked for last, so that its status words speak of it. */
  get #isPresent(): boolean {
    return this.#load(R.running) === (this.#word(R.run) === 0 ? 0 : this.#boardRun);
  }

  #statusWord(offset: number): number {
    if (!this.#isPresent) return 0;
    this.#bring();
    switch (offset) {
      case R.head:
        return this.#isRing ? this.#ring.taken : this.#load(R.head);
      case R.status: {
        const own = (this.#level ? DAQ_STATUS.interrupt : 0) | (this.#failed ? DAQ_STATUS.dmaError : 0);
        return (this.#load(R.status) & ~DAQ_STATUS.interrupt) | own;
      }
      case R.dmaErrors:
        return this.#failed ? 1 : this.#load(R.dmaErrors);
      default:
        return this.#load(offset);
    }
  }

  /** Brings what the board has done, gives it what the host has given meanwhile. */
  #bring(): void {
    const memory = this.#memory;
    if (memory === undefined || !this.#isRing || this.#failed) return;
    if (!this.#exchange(memory)) this.#fail();
    // Before the board's own interrupt is here: whoever looks often need not wait for it.
    else if (this.#hasEnough) this.#raise();
  }

  #exchange(memory: BoardMemory): boolean {
    const ring = this.#ring;
    if (this.#isPresent) {
      const head = this.#load(R.head);
      if ((head - ring.taken) >>> 0 > (ring.given - ring.taken) >>> 0) return false;
      while (ring.taken !== head) if (!ring.take(memory)) return false;
    }
    const tail = this.#word(R.tail);
    if ((tail - ring.taken) >>> 0 > ring.size) return false;
    const before = ring.given;
    ring.give(memory, tail);
    if (ring.given !== before) this.#store(R.tail, ring.given);
    return true;
  }

  /** Nothing more is brought in this run. */
  #fail(): void {
    this.#failed = true;
    if (this.#canInterrupt) this.#raise();
  }

  get #canInterrupt(): boolean {
    return (this.#word(R.mode) & DAQ_MODE.interrupt) !== 0;
  }

  #wantsService(): boolean {
    if (!this.#canInterrupt || !this.#isPresent) return false;
    if (!this.#isRing) return (this.#load(R.status) & DAQ_STATUS.halfFull) !== 0;
    const hasError = this.#failed || this.#load(R.dmaErrors) !== 0;
    return hasError || unseenBlocks(this.#ring.taken, this.#word(R.acknowledge)) > 0;
  }

  /** The line falls unless enough wait; for what waits too long it rises by the board's next interrupt. */
  #acknowledged(): void {
    const isStuck = this.#failed || this.#load(R.dmaErrors) !== 0;
    if (!isStuck && !this.#hasEnough) this.#lower();
  }

  /** As many blocks wait as an interrupt is for. */
  get #hasEnough(): boolean {
    const unseen = this.#isRing ? unseenBlocks(this.#ring.taken, this.#word(R.acknowledge)) : 0;
    return unseen > 0 && unseen >= this.#word(R.coalesceCount) && this.#canInterrupt;
  }

  #takeSample(): number {
    if (this.#isRing) return 0xffff_ffff;
    const sample = this.#load(R.fifoData);
    if (this.#level && !this.#wantsService()) this.#lower();
    return sample;
  }

  #raise(): void {
    if (this.#level) return;
    this.#level = true;
    this.#line?.set(true);
  }

  #lower(): void {
    if (!this.#level) return;
    this.#level = false;
    if (this.#isMasked) this.#rearm();
    this.#line?.set(false);
  }

  #rearm(): void {
    // A read brings the writes before it to the board: it has lowered its line when it is let through again.
    this.#load(R.status);
    this.#isMasked = false;
    this.#line?.rearm();
  }

  #word(offset: number): number {
    return this.#control[(offset - CONTROL_WORDS.first) / 4];
  }

  #load(offset: number): number {
    return Atomics.load(this.#registers, offset / 4);
  }

  #store(offset: number, value: number): void {
    Atomics.store(this.#registers, offset / 4, value);
  }
}
