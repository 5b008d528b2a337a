/** The platform-level interrupt controller: level-triggered sources, priorities, claim and complete. */

import type { InterruptLine, MmioDevice } from '../bus/mmio-device.js';
import { VmmError } from '../errors.js';

/** Register offsets (RISC-V PLIC specification 1.0.0, "Memory Map"). */
export const PLIC = {
  priority: 0x00_0000,
  pending: 0x00_1000,
  enable: 0x00_2000,
  enableStride: 0x80,
  context: 0x20_0000,
  contextStride: 0x1000,
  /** Within a context. */
  threshold: 0,
  claim: 4,
} as const;

/** Sources 1..95; source 0 does not exist. */
export const PLIC_SOURCES = 95;
/** Priorities 1..7; 0 never interrupts. */
export const PLIC_PRIORITIES = 7;

const WORDS = (PLIC_SOURCES + 1) / 32;

export interface PlicOptions {
  /** One output for each context: 0 is hart 0 in M mode, 1 hart 0 in S mode. */
  readonly outputs: readonly InterruptLine[];
}

/**
 * PLIC 1.0.0. A source's gateway passes one request at a time: after its claim the next one passes at its completion,
 * when the line is (still or again) high. A request that has passed stays pending although the line falls ("Interrupt Gateways").
 * A claim ignores the threshold ("Interrupt Claim Process"). Registers answer aligned 32-bit accesses; others read as 0.
 */
export class Plic implements MmioDevice {
  readonly #outputs: readonly InterruptLine[];
  readonly #lines: InterruptLine[] = [];
  readonly #priority = new Uint8Array(PLIC_SOURCES + 1);
  readonly #level = new Int32Array(WORDS);
  readonly #pending = new Int32Array(WORDS);
  readonly #inService = new Int32Array(WORDS);
  readonly #enable: Int32Array;
  readonly #threshold: Uint8Array;
  readonly #output: Uint8Array;

  constructor(options: PlicOptions) {
    this.#outputs = options.outputs;
    this.#enable = new Int32Array(WORDS * this.#outputs.length);
    this.#threshold = new Uint8Array(this.#outputs.length);
    this.#output = new Uint8Array(this.#outputs.length);
    for (let source = 0; source <= PLIC_SOURCES; source++)
      this.#lines.push({ set: (level) => this.#setLevel(source, level) });
  }

  /** The input wire of `source` (1..95). @throws VmmError `VMM_CONFIG` for a source that does not exist. */
  line(source: number): InterruptLine {
    if (!Number.isInteger(source) || source < 1 || source > PLIC_SOURCES)
      throw new VmmError('VMM_CONFIG', `the PLIC has sources 1 to ${PLIC_SOURCES}, not ${source}`, { where: 'plic' });
    return this.#lines[source];
  }

  read(offset: number, size: number): number {
    if (size !== 4 || (offset & 3) !== 0) return 0;
    if (offset >= PLIC.context) return this.#readContext(offset - PLIC.context);
    if (offset >= PLIC.enable) {
      const index = this.#enableIndex(offset - PLIC.enable);
      return index < 0 ? 0 : this.#enable[index] >>> 0;
    }
    if (offset >= PLIC.pending) {
      const word = (offset - PLIC.pending) >> 2;
      return word < WORDS ? this.#pending[word] >>> 0 : 0;
    }
    const source = offset >> 2;
    return source <= PLIC_SOURCES ? this.#priority[source] : 0;
  }

  write(offset: number, size: number, value: number): void {
    if (size !== 4 || (offset & 3) !== 0) return;
    if (offset >= PLIC.context) {
      this.#writeContext(offset - PLIC.context, value);
    } else if (offset >= PLIC.enable) {
      const index = this.#enableIndex(offset - PLIC.enable);
      if (index < 0) return;
      this.#enable[index] = index % WORDS === 0 ? value & ~1 : value;
      this.#update();
    } else if (offset < PLIC.pending) {
      const source = offset >> 2;
      if (source < 1 || source > PLIC_SOURCES) return;
      this.#priority[source] = value & PLIC_PRIORITIES;
      this.#update();
    }
  }

  #enableIndex(offset: number): number {
    const context = Math.floor(offset / PLIC.enableStride);
    const word = (offset % PLIC.enableStride) >> 2;
    return context < this.#outputs.length && word < WORDS ? context * WORDS + word : -1;
  }

  #readContext(offset: number): number {
    const context = Math.floor(offset / PLIC.contextStride);
    if (context >= this.#outputs.length) return 0;
    const register = offset % PLIC.contextStride;
    if (register === PLIC.threshold) return this.#threshold[context];
    return register === PLIC.claim ? this.#claim(context) : 0;
  }

  #writeContext(offset: number, value: number): void {
    const context = Math.floor(offset / PLIC.contextStride);
    if (context >= this.#outputs.length) return;
    const register = offset % PLIC.contextStride;
    if (register === PLIC.threshold) {
      this.#threshold[context] = value & PLIC_PRIORITIES;
      this.#update();
    } else if (register === PLIC.claim) {
      this.#complete(context, value >>> 0);
    }
  }

  #claim(context: number): number {
    const source = this.#best(context);
    if (source === 0) return 0;
    const word = source >> 5;
    const bit = 1 << (source & 31);
    this.#pending[word] &= ~bit;
    this.#inService[word] |= bit;
    this.#update();
    return source;
  }

  #complete(context: number, source: number): void {
    if (source < 1 || source > PLIC_SOURCES) return;
    const word = source >> 5;
    const bit = 1 << (source & 31);
    if ((this.#enable[context * WORDS + word] & bit) === 0) return;
    this.#inService[word] &= ~bit;
    this.#pending[word] |= this.#level[word] & bit;
    this.#update();
  }

  #setLevel(source: number, level: boolean): void {
    const word = source >> 5;
    const bit = 1 << (source & 31);
    if (!level) {
      this.#level[word] &= ~bit;
      return;
    }
    this.#level[word] |= bit;
    if (((this.#inService[word] | this.#pending[word]) & bit) !== 0) return;
    this.#pending[word] |= bit;
    this.#update();
  }

  /** The pending enabled source of the highest priority, the lowest number among equals; 0 when there is none. */
  #best(context: number): number {
    let best = 0;
    let bestPriority = 0;
    for (let word = 0; word < WORDS; word++) {
      let bits = this.#pending[word] & this.#enable[context * WORDS + word];
      while (bits !== 0) {
        const lowest = bits & -bits;
        bits ^= lowest;
        const source = word * 32 + 31 - Math.clz32(lowest);
        if (this.#priority[source] > bestPriority) {
          best = source;
          bestPriority = this.#priority[source];
        }
      }
    }
    return best;
  }

  #update(): void {
    for (let context = 0; context < this.#outputs.length; context++) {
      const level = this.#priority[this.#best(context)] > this.#threshold[context] ? 1 : 0;
      if (level === this.#output[context]) continue;
      this.#output[context] = level;
      this.#outputs[context].set(level === 1);
    }
  }
}
