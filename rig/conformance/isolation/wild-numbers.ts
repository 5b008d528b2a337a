/** Addresses, lengths and indices as a guest gives them that is broken or hostile. */

import type { Random } from '../../../base/index.js';
import { BOARD } from '../../../vmm/index.js';

/** RAM of the guests that misbehave. */
export const WILD_RAM_BYTES = 0x8_0000;
const RAM_END = BOARD.ram.base + WILD_RAM_BYTES;
const LENGTHS = [0, 1, 2, 15, 16, 47, 48, 49, 512, 4_096, 65_535, 65_536, 65_537, 0x10_0000, 0x7fff_ffff, 0xffff_ffff];

export class WildNumbers {
  readonly random: Random;
  /** Where the guest's own rings lie: what is there is the likeliest to do harm. */
  readonly #area: number;
  /** How many of a hundred numbers are wrong. */
  readonly #percent: number;

  constructor(random: Random, area: number, percent: number) {
    this.random = random;
    this.#area = area;
    this.#percent = percent;
  }

  /** True as often as numbers are to be wrong. */
  get errs(): boolean {
    return this.random.below(100) < this.#percent;
  }

  /** One of these. */
  of<T>(values: readonly T[]): T {
    return values[this.random.below(values.length)];
  }

  /** `right`, or where it must not be: across the end of RAM, outside of it, in devices, code, rings or the device tree. */
  address(right: number): number {
    const { random } = this;
    if (!this.errs) return right;
    switch (random.below(10)) {
      case 0:
        return random.uint32();
      case 1:
        return BOARD.ram.base - 1 - random.below(64);
      case 2:
        return RAM_END - random.below(64);
      case 3:
        return RAM_END + random.below(0x1_0000);
      case 4:
        return 0xffff_ffff - random.below(64);
      case 5:
        return this.of([BOARD.virtio.base, 0x0c00_0000, 0x0200_0000, 0x1000_0000, 0x0010_0000]) + random.below(0x200);
      case 6:
        return BOARD.ram.base + random.below(0x2000);
      case 7:
        return this.#area + random.below(0x800);
      case 8:
        return RAM_END - 0x4000 + random.below(0x4000);
      default:
        return random.below(0x1000);
    }
  }

  /** Upper half of a 64-bit address. */
  high(): number {
    return this.errs && this.random.below(4) === 0 ? this.random.uint32() : 0;
  }

  length(right: number): number {
    if (!this.errs) return right;
    return this.random.below(4) === 0 ? this.random.uint32() : this.of(LENGTHS);
  }

  /** `right`, one beside it, or any of `bits` bits. */
  index(right: number, bits: 16 | 32): number {
    if (!this.errs) return right;
    const any = this.random.uint32() >>> (32 - bits);
    const near = (right + this.of([-2, -1, 1, 2, 0x8000])) >>> 0;
    return this.random.below(2) === 0 ? any : bits === 16 ? near & 0xffff : near;
  }
}
