/** Turns retired instructions into local virtual time and back, exactly. */

import { NS_PER_SECOND } from '../../base/index.js';
import { VmmError } from '../errors.js';

/** Both terms of the reduced fraction stay below this, so that every product below is exact. */
const MAX_TERM = 2 ** 30;
const SPLIT = 2 ** 15;

/**
 * Local time is `offsetNs + floor(instret * 10^9 / cpuHz)`, exact below 2^53 ns. The offset grows when the guest
 * waits or when an exit costs time. Throws `VMM_CONFIG` for a frequency it cannot divide.
 */
export class InstructionTimebase {
  #offsetNs = 0;
  readonly #numerator: number;
  readonly #denominator: number;

  constructor(readonly cpuHz: number) {
    if (!Number.isSafeInteger(cpuHz) || cpuHz < 1) {
      throw new VmmError(
        'VMM_CONFIG',
        `A vCPU cannot run at ${cpuHz} instructions a second: a whole number from 1 is needed.`,
      );
    }
    const divisor = greatestCommonDivisor(NS_PER_SECOND, cpuHz);
    this.#numerator = NS_PER_SECOND / divisor;
    this.#denominator = cpuHz / divisor;
    if (this.#denominator >= MAX_TERM) {
      throw new VmmError(
        'VMM_CONFIG',
        `A vCPU frequency of ${cpuHz} Hz has no exact nanosecond scale; choose a rounder one.`,
      );
    }
  }

  get offsetNs(): number {
    return this.#offsetNs;
  }

  /** Local time when `instret` instructions have retired. */
  timeAt(instret: number): number {
    if (this.#denominator === 1) return this.#offsetNs + instret * this.#numerator;
    return this.#offsetNs + scaleDown(instret, this.#numerator, this.#denominator);
  }

  /** The smallest instruction count whose time is `ns` or later; `Infinity` for an infinite time. */
  instretAt(ns: number): number {
    const elapsed = ns - this.#offsetNs;
    if (elapsed <= 0) return 0;
    if (elapsed === Number.POSITIVE_INFINITY) return elapsed;
    if (this.#denominator === 1) return Math.ceil(elapsed / this.#numerator);
    // floor(n * num / den) >= t  <=>  n * num >= t * den  <=>  n > floor((t * den - 1) / num)
    return scaleDown(elapsed, this.#denominator, this.#numerator, -1) + 1;
  }

  /** The guest loses `ns` of local time without retiring anything. */
  delay(ns: number): void {
    this.#offsetNs += ns;
  }
}

/** floor((value * multiplier + bias) / divisor), exact where the result is below 2^53; bias is 0 or -1. */
function scaleDown(value: number, multiplier: number, divisor: number, bias = 0): number {
  const whole = Math.floor(value / divisor);
  const rest = value - whole * divisor;
  const high = Math.floor(multiplier / SPLIT);
  const low = multiplier - high * SPLIT;
  const product = rest * high;
  const quotient = Math.floor(product / divisor);
  const remainder = product - quotient * divisor;
  return whole * multiplier + quotient * SPLIT + Math.floor((remainder * SPLIT + rest * low + bias) / divisor);
}

function greatestCommonDivisor(a: number, b: number): number {
  let x = a;
  let y = b;
  while (y !== 0) {
    const rest = x % y;
    x = y;
    y = rest;
  }
  return x;
}
