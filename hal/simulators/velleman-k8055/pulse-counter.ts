/** A counter of the K8055: pulses of a digital input that are longer than its debounce time, 16 bits. */

import type { DigitalSettings } from './parameters.js';

/** Counted where someone looks, from the input's period alone: nothing runs between. */
export class PulseCounter {
  #before = 0;
  /** Pulses up to this one, the first being 0, are counted or have been too short. */
  #last = -1;
  #debounceNs: number;

  constructor(
    private readonly input: DigitalSettings | undefined,
    private readonly originNs: number,
    debounceNs: number,
  ) {
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
    return (this.#before + this.#counted(nowNs) - this.#last) & 0xffff;
  }

  reset(nowNs: number): void {
    this.#last = this.#counted(nowNs);
    this.#before = 0;
  }

  /** Pulses up to now are judged by the old time; one that is still closed and was not counted is judged by the new one. */
  setDebounce(debounceNs: number, nowNs: number): void {
    this.#before = this.value(nowNs);
    this.#last = Math.max(this.#counted(nowNs), this.#over(nowNs));
    this.#debounceNs = debounceNs;
  }

  /** The latest pulse that has been closed for the debounce time; none is while pulses are shorter. */
  #counted(nowNs: number): number {
    const { input } = this;
    if (input === undefined || input.kind === 'constant' || input.frequencyHz === 0) return this.#last;
    const periodNs = 1e9 / input.frequencyHz;
    if (Math.min(input.duty, 1 - input.duty) * periodNs < this.#debounceNs) return this.#last;
    return Math.max(this.#last, Math.floor((nowNs - this.originNs - this.#debounceNs) / periodNs));
  }

  /** The latest pulse that has opened again. */
  #over(nowNs: number): number {
    const { input } = this;
    if (input === undefined || input.kind === 'constant' || input.frequencyHz === 0) return this.#last;
    const periodNs = 1e9 / input.frequencyHz;
    return Math.floor((nowNs - this.originNs - input.duty * periodNs) / periodNs);
  }
}
