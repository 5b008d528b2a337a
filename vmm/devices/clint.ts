/** The core-local interruptor of one hart: software interrupt, timer compare, and the 10 MHz timer itself. */

import { type Clock, Timer } from '../../base/index.js';
import type { MmioDevice } from '../bus/mmio-device.js';
import { INTERRUPT } from '../cpu/state-layout.js';

/** Register offsets (SiFive FU540-C000 manual, chapter 9). */
export const CLINT = { msip: 0x0000, mtimecmp: 0x4000, mtime: 0xbff8 } as const;

/** One tick of `mtime` and of the `time` CSR: 10 MHz. */
export const TICK_NS = 100;

const U32 = 0x1_0000_0000;
/** The last tick whose nanosecond is exact; a compare value behind it never comes. */
const LAST_TICK = Math.floor(Number.MAX_SAFE_INTEGER / TICK_NS);

export interface ClintOptions {
  readonly clock: Clock;
  /** Sets or clears bits of `mip` (`INTERRUPT.msip`, `INTERRUPT.mtip`); called on changes only. `dueNs`: the instant of `mtimecmp`. */
  setPending(bits: number, pending: boolean, dueNs?: number): void;
  /** The guest has set `mtimecmp` anew, to `dueNs`, which has passed too: the bit stays set for another event. */
  setAgain?(bits: number, dueNs: number): void;
}

/**
 * CLINT of hart 0. `mtime` is the injected clock in ticks and cannot be written: it is the same time base that the
 * `time` CSR and every device use, so a write is ignored. Registers answer aligned 32-bit accesses; others read as 0.
 * `mtimecmp` starts with all bits set: never.
 */
export class Clint implements MmioDevice {
  readonly #clock: Clock;
  readonly #setPending: (bits: number, pending: boolean, dueNs?: number) => void;
  readonly #setAgain: (bits: number, dueNs: number) => void;
  readonly #timer = new Timer(() => this.#update());
  #msip = false;
  #mtip = false;
  #compareLow = U32 - 1;
  #compareHigh = U32 - 1;

  constructor(options: ClintOptions) {
    this.#clock = options.clock;
    this.#setPending = (bits, pending, dueNs) => options.setPending(bits, pending, dueNs);
    this.#setAgain = (bits, dueNs) => options.setAgain?.(bits, dueNs);
  }

  /** `mtime` now, in ticks of 100 ns. */
  get ticks(): number {
    return Math.floor(this.#clock.now() / TICK_NS);
  }

  /** Programs `mtimecmp` as SBI's set_timer does; 2^53 and more (all ones included) means never. */
  setTimer(ticks: number): void {
    const bounded = Math.min(Math.max(0, ticks), U32 * U32);
    this.#compareHigh = Math.min(Math.floor(bounded / U32), U32 - 1);
    this.#compareLow = bounded >= U32 * U32 ? U32 - 1 : bounded % U32;
    this.#update();
  }

  read(offset: number, size: number): number {
    if (size !== 4) return 0;
    switch (offset) {
      case CLINT.msip:
        return this.#msip ? 1 : 0;
      case CLINT.mtimecmp:
        return this.#compareLow;
      case CLINT.mtimecmp + 4:
        return this.#compareHigh;
      case CLINT.mtime:
        return this.ticks % U32;
      case CLINT.mtime + 4:
        return Math.floor(this.ticks / U32);
      default:
        return 0;
    }
  }

  write(offset: number, size: number, value: number): void {
    if (size !== 4) return;
    switch (offset) {
      case CLINT.msip:
        this.#raiseSoftware((value & 1) !== 0);
        break;
      case CLINT.mtimecmp:
        this.#compareLow = value >>> 0;
        this.#update();
        break;
      case CLINT.mtimecmp + 4:
        this.#compareHigh = value >>> 0;
        this.#update();
        break;
    }
  }

  #raiseSoftware(pending: boolean): void {
    if (pending === this.#msip) return;
    this.#msip = pending;
    this.#setPending(INTERRUPT.msip, pending);
  }

  #update(): void {
    const ticks = this.#compareHigh * U32 + this.#compareLow;
    const dueNs = ticks <= LAST_TICK ? ticks * TICK_NS : Number.POSITIVE_INFINITY;
    const pending = dueNs <= this.#clock.now();
    if (pending || dueNs === Number.POSITIVE_INFINITY) this.#clock.cancel(this.#timer);
    else this.#clock.schedule(this.#timer, dueNs);
    if (pending && this.#mtip) this.#setAgain(INTERRUPT.mtip, dueNs);
    if (pending === this.#mtip) return;
    this.#mtip = pending;
    this.#setPending(INTERRUPT.mtip, pending, dueNs);
  }
}
