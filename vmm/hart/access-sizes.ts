/** How wide loads and stores are, and what an integer load makes of its bytes. */

import { ID } from './operations.js';

/** Bytes of the loads and stores, in the order of their numbers from `lb`. */
const ACCESS_SIZE: readonly number[] = [1, 2, 4, 1, 2, 1, 2, 4];

/** Bytes that a load reads. */
export function loadSize(id: number): number {
  if (id === ID.ld || id === ID.fld) return 8;
  return id === ID.lwu || id === ID.flw ? 4 : ACCESS_SIZE[id - ID.lb];
}

/** Bytes that a store writes. */
export function storeSize(id: number): number {
  if (id === ID.sd || id === ID.fsd) return 8;
  return id === ID.fsw ? 4 : ACCESS_SIZE[id - ID.lb];
}

/** What an integer load of at most 32 bits makes of the bytes it got. */
export function extendLoad(id: number, value: number): number {
  switch (id - ID.lb) {
    case 0:
      return (value << 24) >> 24;
    case 1:
      return (value << 16) >> 16;
    case 3:
      return value & 0xff;
    case 4:
      return value & 0xffff;
    default:
      return value | 0;
  }
}
