/** What a random program is about: drawn once, read by every atom. */

import type { Random } from '../../base/index.js';

export interface Traits {
  readonly xlen: 32 | 64;
  /** 0 = U, 1 = S, 3 = M. */
  readonly startMode: 0 | 1 | 3;
  /** Modes that `ecall` goes to. */
  readonly modes: readonly number[];
  /** Sv39 is on in S and U mode. */
  readonly paged: boolean;
  /** Some exceptions are delegated to S mode. */
  readonly delegated: boolean;
  readonly floating: boolean;
  /** `mstatus.FS` at the start: off, initial, clean, dirty. */
  readonly floatStatus: number;
  /**
   * Interrupts that it makes pending, as sets of bits of `mip`: SEIP alone or the other two, because QEMU 7.2 takes them by
   * number, and not in the order of the Privileged specification 1.12, section 3.1.9.
   */
  readonly interrupts: readonly number[];
  /** Physical memory protection forbids parts of the data window. */
  readonly protectedData: boolean;
  /** It leaves accesses that may trap out, so that more of it is computed. */
  readonly calm: boolean;
}

const SSIP = 1 << 1;
const STIP = 1 << 5;
const SEIP = 1 << 9;

const oneOf = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)];

export function drawTraits(random: Random, xlen: 32 | 64): Traits {
  const all = xlen === 32 ? ([0, 3] as const) : ([0, 1, 3] as const);
  const startMode = oneOf(random, all);
  const isRestless = random.below(2) === 0;
  const modes = Array.from({ length: 8 }, () => (isRestless ? oneOf(random, all) : startMode));
  const isWide = xlen === 64;
  const floating = isWide && random.below(2) === 0;
  const hasFloats = floating || (isWide && random.below(8) === 0);
  return {
    xlen,
    startMode,
    modes,
    paged: isWide && random.below(4) !== 0,
    delegated: isWide && random.below(2) === 0,
    interrupts: random.below(3) === 0 ? [SEIP] : [SSIP, STIP, SSIP | STIP],
    floating,
    floatStatus: hasFloats ? 1 + random.below(3) : 0,
    protectedData: random.below(3) === 0,
    calm: random.below(4) === 0,
  };
}

/**
 * Whether all accesses are aligned. A misaligned one that two protection entries share fails in QEMU, where ours checks
 * its bytes; and QEMU's store across pages has written the first one when the second turns out to be no RAM.
 */
export const staysAligned = (traits: Traits): boolean => traits.calm || traits.protectedData;
