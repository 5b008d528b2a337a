/** The one description of what every instruction does; interpreter and translator are generated from it. */

import { FLOAT } from './float.js';
import { INTEGER } from './integer.js';
import { MEMORY_ACCESS } from './memory.js';
import type { Semantics } from './operands.js';
import type { Width } from './width.js';

/** Conditions of the branches, by name: the comparison of rs1 and rs2. */
export const BRANCHES: ReadonlyMap<string, (x: Width) => number> = new Map([
  ['beq', (x: Width) => x.eq],
  ['bne', (x: Width) => x.ne],
  ['blt', (x: Width) => x.ltS],
  ['bge', (x: Width) => x.geS],
  ['bltu', (x: Width) => x.ltU],
  ['bgeu', (x: Width) => x.geU],
]);

/**
 * What generates the effect of the instruction, but for the way to the next. Undefined for jumps and branches, which
 * each engine turns into control flow of its own, and for what only the slow path executes.
 */
export function semanticsOf(name: string, xlen: 32 | 64): Semantics | undefined {
  const common = INTEGER.get(name) ?? MEMORY_ACCESS.get(name);
  return common ?? (xlen === 64 ? FLOAT.get(name) : undefined);
}
