/** What a board may master of a guest: RAM, and nothing else, whichever frontend it has. */

import type { GuestRam } from './guest-ram.js';

/** Copies guest RAM to `target`; false, and nothing is read, when not all of it is RAM. */
export function dmaRead(ram: GuestRam, address: number, target: Uint8Array, offset: number, length: number): boolean {
  if (!ram.contains(address, length)) return false;
  ram.read(address, target, offset, length);
  return true;
}

/** Copies `source` to guest RAM; false, and nothing is written, when not all of it is RAM. */
export function dmaWrite(ram: GuestRam, address: number, source: Uint8Array, offset: number, length: number): boolean {
  if (!ram.contains(address, length)) return false;
  ram.write(address, source, offset, length);
  return true;
}
