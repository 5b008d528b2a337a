/** Atoms that change the program counter: branches, jumps, calls, loops, wild jumps, code that changes itself. */

import { anyIntegerWord, emitInteger } from './compute-atoms.js';
import { LINK, type ProgramWriter } from './program-writer.js';

export function branchAtom(w: ProgramWriter): void {
  const row = w.choose(w.rows.branches);
  if (row.length === 2) {
    w.emitAhead(row, { rs1: 8 + w.random.below(8) });
    return;
  }
  const rs1 = w.source();
  w.emitAhead(row, { rs1, rs2: w.once(4) ? rs1 : w.source() });
}

export function jumpAtom(w: ProgramWriter): void {
  const pick = w.random.below(4);
  if (pick === 0) {
    w.emitAhead(w.rows.named('c.j'), {});
  } else if (pick === 1) {
    w.emitAhead(w.rows.named('jal'), { rd: w.destination() });
  } else {
    const rd = w.temporary();
    const from = w.offset;
    w.emit('auipc', { rd, imm: 0 });
    const link = w.once(2) ? rd : w.destination();
    w.emitAhead(w.rows.named('jalr'), { rd: link, rs1: rd }, from, w.random.below(2));
  }
}

/** Calls one of the functions, whose offsets are `functions`. */
export function callAtom(w: ProgramWriter, functions: readonly number[]): void {
  if (functions.length === 0) return;
  const target = w.choose(functions);
  if (w.rows.xlen === 32 && w.once(3) && w.offset - target < 0x800) {
    w.emit('c.jal', { imm: target - w.offset });
  } else if (w.once(2)) {
    w.emit('jal', { rd: LINK, imm: target - w.offset });
  } else {
    const rd = w.temporary();
    w.address(rd, target - w.offset);
    if (w.once(2)) w.emit('c.jalr', { rs1: rd });
    else w.emit('jalr', { rd: LINK, rs1: rd, imm: w.random.below(2) });
  }
}

export function returnAtom(w: ProgramWriter): void {
  if (w.once(2)) w.emit('c.jr', { rs1: LINK });
  else w.emit('jalr', { rd: 0, rs1: LINK, imm: 0 });
}

/** A counted loop round what `body` writes; it ends whatever its counter was when it was entered. */
export function loop(w: ProgramWriter, counter: number, body: () => void): void {
  w.beginAtom();
  w.emit('addi', { rd: counter, rs1: 0, imm: 1 + w.random.below(6) });
  w.beginAtom();
  const head = w.offset;
  body();
  w.beginAtom();
  w.emit('addi', { rd: counter, rs1: counter, imm: -1 });
  w.emit('blt', { rs1: 0, rs2: counter, imm: head - w.offset });
}

/** A jump to where nothing can be fetched; the handler goes on at the link register. */
export function wildJumpAtom(w: ProgramWriter, wild: readonly bigint[]): void {
  const rd = w.temporary();
  w.constant(rd, w.choose(wild));
  w.emit('jalr', { rd: LINK, rs1: rd, imm: 2 * w.random.below(8) });
}

/** Stores another instruction over the one at the atom's end, synchronises, and executes it; in a loop also before. */
export function selfModifyingAtom(w: ProgramWriter): void {
  const word = anyIntegerWord(w);
  const rd = w.temporary();
  const value = w.temporary(rd);
  const counter = w.plan.counters[1];
  const isLooped = w.once(2);
  if (isLooped) w.emit('addi', { rd: counter, rs1: 0, imm: 2 });
  const target = w.offset;
  if (isLooped) emitLongInteger(w);
  w.constant(value, BigInt(word | 0));
  const here = w.offset;
  // With no loop the target is behind the store and the fence.
  const distance = isLooped ? target - here : 16;
  w.address(rd, distance);
  w.emitRandom(w.rows.named(w.once(4) ? 'sh' : 'sw'), { rs1: rd, rs2: value, imm: 0 });
  w.emitRandom(w.rows.named('fence.i'));
  if (!isLooped) {
    emitLongInteger(w);
    return;
  }
  emitInteger(w);
  w.emit('addi', { rd: counter, rs1: counter, imm: -1 });
  w.emit('blt', { rs1: 0, rs2: counter, imm: target - w.offset });
}

function emitLongInteger(w: ProgramWriter): void {
  w.raw(anyIntegerWord(w), 4);
}

/** `fence` and `fence.i` with every set and ignored field. */
export function fenceAtom(w: ProgramWriter): void {
  w.emitRandom(w.rows.named(w.once(3) ? 'fence.i' : 'fence'));
}
