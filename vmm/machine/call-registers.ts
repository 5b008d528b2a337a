/** Reads the registers of a hypercall where the engine keeps them. */

import type { GuestMemory } from '../cpu/guest-memory.js';
import { STATE } from '../cpu/state-layout.js';
import { CALL_WORDS } from '../hypercall/hypercall-table.js';

/** a7, a6, a0..a5: the order of `CALL`. */
const REGISTERS = [17, 16, 10, 11, 12, 13, 14, 15] as const;
const WORDS_PER_SLOT = 2;

/** Answers a function that returns a7, a6, a0..a5 as `CALL` lays them out, in an array it reuses. */
export function callRegisters(memory: GuestMemory, xlen: 32 | 64): () => Uint32Array {
  const slots = new Uint32Array(memory.memory.buffer, STATE.x, 32 * WORDS_PER_SLOT);
  const registers = new Uint32Array(CALL_WORDS);
  return () => {
    for (let i = 0; i < REGISTERS.length; i++) {
      const slot = REGISTERS[i] * WORDS_PER_SLOT;
      registers[2 * i] = slots[slot];
      // The high words of a 32-bit guest hold nothing that counts.
      registers[2 * i + 1] = xlen === 64 ? slots[slot + 1] : 0;
    }
    return registers;
  };
}
