/** A counter of the K8055: pulses of a digital input that are longer than its debounce time, 16 bits. */

import type { DigitalSettings } from './parameters.js';

/** Counted where someone looks, from the input's period alone: nothing runs between. */
export class PulseCounter {
  #countedNs: number;
  #before = 0;
  #debounceNs: number;

  constructor(
    private readonly input: DigitalSettings | undefined,
    private readonly originNs: number,
    debounceNs: number,
  ) {
    this.#countedNs = originNs;
    this.#debounceNs = debounceNs;
  }

  /** Whether the input is closed. */
  closed(nowNs: number): boolean {
    const { input } = this;
    if (input === undefined) return false;
    if (input.kind === 'constant') return input.closed;
    const turns = ((nowNs - this.originNs) * input.frequencyHz) / 1e9;
    return turns - Math.floor(turns) < input.duty;
  }

  value(nowNs: number): number {
    return (this.#before + this.#pulses(this.#countedNs, nowNs)) & 0xffff;
  }

  reset(nowNs: number): void {
    this.#before = 0;
    this.#countedNs = nowNs;
  }

  /** Pulses up to now are counted by the old time. */
  setDebounce(debounceNs: number, nowNs: number): void {
    this.#before = this.value(nowNs);
    this.#countedNs = nowNs;
    this.#debounceNs = debounceNs;
  }

  /** A pulse counts when it has been closed for the debounce time. */
  #pulses(fromNs: number, toNs: number): number {
    const { input } = this;
    if (input === undefined || input.kind === 'constant' || input.frequencyHz === 0) return 0;
    const periodNs = 1e9 / input.frequencyHz;
    const shortest = Math.min(input.duty, 1 - input.duty) * periodNs;
    if (shortest < this.#debounceNs) return 0;
    const counted = (timeNs: number): number => Math.floor((timeNs - this.originNs - this.#debounceNs) / periodNs + 1);
    return Math.max(0, counted(toNs)) - Math.max(0, counted(fromNs));
  }
}
