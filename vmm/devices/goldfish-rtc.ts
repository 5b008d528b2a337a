/** The Goldfish real-time clock of QEMU's `virt` board: nanoseconds since 1970 in two halves, and an alarm. */

import { type Clock, Timer } from '../../base/index.js';
import type { InterruptLine, MmioDevice } from '../bus/mmio-device.js';

/** Register offsets, as Linux names them (drivers/rtc/rtc-goldfish.c; QEMU, "Goldfish RTC"). */
export const GOLDFISH_RTC = {
  TIME_LOW: 0x00,
  TIME_HIGH: 0x04,
  ALARM_LOW: 0x08,
  ALARM_HIGH: 0x0c,
  IRQ_ENABLED: 0x10,
  CLEAR_ALARM: 0x14,
  ALARM_STATUS: 0x18,
  CLEAR_INTERRUPT: 0x1c,
} as const;

/** 2026-01-01T00:00:00Z in ms since 1970: the time at which a run in virtual time begins. */
export const DEFAULT_EPOCH_MS = 1_767_225_600_000;

const U32 = 0x1_0000_0000;
const NS_PER_MS_BIG = 1_000_000n;

export interface GoldfishRtcOptions {
  readonly clock: Clock;
  readonly line: InterruptLine;
  /** What the clock's origin is, in whole ms since 1970; `DEFAULT_EPOCH_MS` when absent. */
  readonly epochMs?: number;
}

/**
 * Time is the clock plus an offset, counted in ns modulo 2^64. Reading TIME_LOW latches the half that TIME_HIGH then
 * answers. Writing ALARM_LOW arms the alarm for the time in ALARM_HIGH and ALARM_LOW; one that is not in the future
 * goes off at once. Setting the time takes effect half by half and moves the alarm at TIME_LOW, which drivers write last.
 * Registers answer aligned 32-bit accesses; others read as 0.
 */
export class GoldfishRtc implements MmioDevice {
  readonly #clock: Clock;
  readonly #line: InterruptLine;
  readonly #alarm = new Timer(() => this.#goOff());
  /** Added to the clock, modulo 2^64, in halves: beyond 2^53 a number is not exact. */
  #offsetHigh: number;
  #offsetLow: number;
  /** Time at the last `#look`, in halves. */
  #timeHigh = 0;
  #timeLow = 0;
  #latchedHigh = 0;
  #alarmHigh = 0;
  #alarmLow = 0;
  /** ALARM_STATUS: the alarm has been set and has neither gone off nor been cleared. */
  #running = false;
  #enabled = false;
  #pending = false;

  constructor(options: GoldfishRtcOptions) {
    this.#clock = options.clock;
    this.#line = options.line;
    const offset = BigInt.asUintN(64, BigInt(options.epochMs ?? DEFAULT_EPOCH_MS) * NS_PER_MS_BIG);
    this.#offsetHigh = Number(offset >> 32n);
    this.#offsetLow = Number(offset & 0xffff_ffffn);
  }

  read(offset: number, size: number): number {
    if (size !== 4) return 0;
    switch (offset) {
      case GOLDFISH_RTC.TIME_LOW:
        this.#look();
        this.#latchedHigh = this.#timeHigh;
        return this.#timeLow;
      case GOLDFISH_RTC.TIME_HIGH:
        return this.#latchedHigh;
      case GOLDFISH_RTC.ALARM_LOW:
        return this.#alarmLow;
      case GOLDFISH_RTC.ALARM_HIGH:
        return this.#alarmHigh;
      case GOLDFISH_RTC.IRQ_ENABLED:
        return this.#enabled ? 1 : 0;
      case GOLDFISH_RTC.ALARM_STATUS:
        return this.#running ? 1 : 0;
      default:
        return 0;
    }
  }

  write(offset: number, size: number, value: number): void {
    if (size !== 4) return;
    switch (offset) {
      case GOLDFISH_RTC.TIME_LOW:
        this.#look();
        this.#setTime(this.#timeHigh, value >>> 0);
        if (this.#running) this.#arm();
        break;
      case GOLDFISH_RTC.TIME_HIGH:
        this.#look();
        this.#setTime(value >>> 0, this.#timeLow);
        break;
      case GOLDFISH_RTC.ALARM_LOW:
        this.#alarmLow = value >>> 0;
        this.#arm();
        break;
      case GOLDFISH_RTC.ALARM_HIGH:
        this.#alarmHigh = value >>> 0;
        break;
      case GOLDFISH_RTC.IRQ_ENABLED:
        this.#enabled = (value & 1) !== 0;
        this.#drive();
        break;
      case GOLDFISH_RTC.CLEAR_ALARM:
        this.#running = false;
        this.#clock.cancel(this.#alarm);
        break;
      case GOLDFISH_RTC.CLEAR_INTERRUPT:
        this.#pending = false;
        this.#drive();
        break;
    }
  }

  /** Puts the time of this instant into `#timeHigh` and `#timeLow`. */
  #look(): void {
    const now = this.#clock.now();
    const low = (now % U32) + this.#offsetLow;
    this.#timeLow = low % U32;
    this.#timeHigh = (Math.floor(now / U32) + this.#offsetHigh + (low >= U32 ? 1 : 0)) % U32;
  }

  /** Chooses the offset such that this instant has the given time. */
  #setTime(high: number, low: number): void {
    const now = this.#clock.now();
    const offsetLow = low - (now % U32);
    const borrow = offsetLow < 0 ? 1 : 0;
    this.#offsetLow = offsetLow + borrow * U32;
    const offsetHigh = (high - Math.floor(now / U32) - borrow) % U32;
    this.#offsetHigh = offsetHigh < 0 ? offsetHigh + U32 : offsetHigh;
  }

  #arm(): void {
    this.#look();
    // Where the difference of the halves is not exact it lies beyond the clock, or far enough in the past.
    const waitNs = (this.#alarmHigh - this.#timeHigh) * U32 + (this.#alarmLow - this.#timeLow);
    if (waitNs <= 0) {
      this.#clock.cancel(this.#alarm);
      this.#goOff();
      return;
    }
    this.#running = true;
    const dueNs = this.#clock.now() + waitNs;
    if (dueNs <= Number.MAX_SAFE_INTEGER) this.#clock.schedule(this.#alarm, dueNs);
    else this.#clock.cancel(this.#alarm);
  }

  #goOff(): void {
    this.#running = false;
    this.#pending = true;
    this.#drive();
  }

  #drive(): void {
    this.#line.set(this.#enabled && this.#pending);
  }
}
