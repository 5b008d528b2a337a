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
  /** Physical memory protection forbids parts of the data window. */
  readonly protectedData: boolean;
  /**
   * Interrupts that it makes pending, as sets of bits of `mip`: SEIP alone or the other two, because QEMU 7.2 takes them by
   * number, and not in the order of the Privileged specification 1.12, section 3.1.9.
   */
  readonly interrupts: readonly bigint[];
  /** It leaves accesses that may trap out, so that more of it is computed. */
  readonly calm: boolean;
}

const SSIP = 1n << 1n;
const STIP = 1n << 5n;
const SEIP = 1n << 9n;

const oneOf = <T>(random: Random, list: readonly T[]): T => list[random.below(list.length)];

export function drawTraits(random: Random, xlen: 32 | 64): Traits {
  const all = xlen === 32 ? ([0, 3] as const) : ([0, 1, 3] as const);
  const startMode = oneOf(random, all);
  const isRestless = random.below(2) === 0;
  const modes = Array.from({ length: 8 }, () => (isRestless ? oneOf(random, all) : startMode));
  const isWide = xlen === 64;
  return {
    xlen,
    startMode,
    modes,
    paged: isWide && random.below(4) !== 0,
    delegated: isWide && random.below(2) === 0,
    floating: isWide && random.below(2) === 0,
    protectedData: random.below(3) === 0,
    interrupts: random.below(3) === 0 ? [SEIP] : [SSIP, STIP, SSIP | STIP],
    calm: random.below(4) === 0,
  };
}
