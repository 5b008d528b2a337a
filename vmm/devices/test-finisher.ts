/** The test finisher: the register by which a guest ends its own run. */

import type { MmioDevice } from '../bus/mmio-device.js';

/** Low 16 bits written to offset 0 (SiFive test device). */
export const FINISHER = { fail: 0x3333, pass: 0x5555, reset: 0x7777 } as const;

export interface FinisherOutcome {
  readonly kind: 'pass' | 'fail' | 'reset';
  /** Bits 16 to 31 of what was written. */
  readonly code: number;
}

export interface TestFinisherOptions {
  /** The guest asked to end; called at each such write. */
  finish(outcome: FinisherOutcome): void;
}

/** Answers writes of 16 or 32 bits at offset 0; reads as 0. Values that name no outcome are ignored. */
export class TestFinisher implements MmioDevice {
  readonly #options: TestFinisherOptions;

  constructor(options: TestFinisherOptions) {
    this.#options = options;
  }

  read(): number {
    return 0;
  }

  write(offset: number, size: number, value: number): void {
    if (offset !== 0 || size < 2) return;
    const code = size === 4 ? (value >>> 16) & 0xffff : 0;
    switch (value & 0xffff) {
      case FINISHER.pass:
        this.#options.finish({ kind: 'pass', code });
        break;
      case FINISHER.fail:
        this.#options.finish({ kind: 'fail', code });
        break;
      case FINISHER.reset:
        this.#options.finish({ kind: 'reset', code });
        break;
    }
  }
}
