/** Reads the registers of a hypercall where the engine keeps them. */

import type { GuestMemory } from '../cpu/guest-memory.js';
import { STATE } from '../cpu/state-layout.js';

/** a7, a6, a0..a5. */
const REGISTERS = [17, 16, 10, 11, 12, 13, 14, 15] as const;
const WORDS_PER_SLOT = 2;

/** Answers a function that returns a7, a6, a0..a5 (low 32 bits) in an array it reuses. */
export function callRegisters(memory: GuestMemory): () => Uint32Array {
  const slots = new Uint32Array(memory.memory.buffer, STATE.x, 32 * WORDS_PER_SLOT);
  const registers = new Uint32Array(REGISTERS.length);
  return () => {
    for (let i = 0; i < REGISTERS.length; i++) registers[i] = slots[REGISTERS[i] * WORDS_PER_SLOT];
    return registers;
  };
}
