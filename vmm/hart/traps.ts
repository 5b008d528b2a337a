/** Trap entry, delegation and return, and which interrupt is next (Privileged specification 1.12, sections 3.1.6 to 3.1.9 and 4.1.1). */

import { INTERRUPT } from '../cpu/state-layout.js';
import { type HartState, MPP_SHIFT, MSTATUS, PRIVILEGE, SEIP_SOURCE, WORD, type Xlen } from './hart-state.js';

/** Exception codes of `mcause` (table 3.6). */
export const CAUSE = {
  fetchAccess: 1,
  illegalInstruction: 2,
  breakpoint: 3,
  loadMisaligned: 4,
  loadAccess: 5,
  storeMisaligned: 6,
  storeAccess: 7,
  /** Plus the privilege mode that it comes from. */
  ecall: 8,
  fetchPage: 12,
  loadPage: 13,
  storePage: 15,
} as const;

/** Interrupts of the platform: the rig sets them, the guest can only clear them. */
export const CLEARABLE_INTERRUPTS = 0xffff_0000 | 0;

/** The highest bit of `mcause` and `scause`, in their highest word. */
const INTERRUPT_FLAG = 1 << 31;

/** What `mideleg` can hold: the platform's interrupts stay with M mode. */
export const DELEGABLE_INTERRUPTS = INTERRUPT.ssip | INTERRUPT.stip | INTERRUPT.seip;

/** What `medeleg` can hold: the exceptions above, instruction misaligned, and `ecall` from U and S mode. */
export const DELEGABLE_EXCEPTIONS = 0xb3ff;

const MACHINE_INTERRUPTS = INTERRUPT.meip | INTERRUPT.msip | INTERRUPT.mtip;

/** Interrupts the hart has at all: what `mie` can hold. */
export function interruptMask(xlen: Xlen): number {
  return CLEARABLE_INTERRUPTS | MACHINE_INTERRUPTS | (xlen === 64 ? DELEGABLE_INTERRUPTS : 0);
}

/** The standard ones in their order; the platform's own come after them, lowest number first. */
const PRIORITY: readonly number[] = [
  INTERRUPT.meip,
  INTERRUPT.msip,
  INTERRUPT.mtip,
  INTERRUPT.seip,
  INTERRUPT.ssip,
  INTERRUPT.stip,
];

/** Pending and enabled in `mie`, whatever `mstatus` says. */
export function awaitingInterrupts(state: HartState): number {
  return Atomics.load(state.words, WORD.mip) & state.words[WORD.mie];
}

/** The interrupt to take before the next instruction: its number, or -1. */
export function nextInterrupt(state: HartState): number {
  const awaiting = awaitingInterrupts(state);
  if (awaiting === 0) return -1;
  const { words } = state;
  const privilege = words[WORD.privilege];
  const mstatus = words[WORD.mstatus];
  const mideleg = words[WORD.mideleg];
  const forMachine = awaiting & ~mideleg;
  if (forMachine !== 0 && (privilege !== PRIVILEGE.machine || (mstatus & MSTATUS.mie) !== 0)) return first(forMachine);
  const forSupervisor = awaiting & mideleg;
  if (forSupervisor === 0 || privilege > PRIVILEGE.supervisor) return -1;
  if (privilege === PRIVILEGE.supervisor && (mstatus & MSTATUS.sie) === 0) return -1;
  return first(forSupervisor);
}

function first(bits: number): number {
  for (const bit of PRIORITY) {
    if ((bits & bit) !== 0) return 31 - Math.clz32(bit);
  }
  return 31 - Math.clz32(bits & -bits);
}

/** Sets or clears bits of `mip` from outside; SEIP is the controller's line, which the guest cannot clear. */
export function setPending(state: HartState, bits: number, pending: boolean): void {
  const { words } = state;
  const seip = state.xlen === 64 ? bits & INTERRUPT.seip : 0;
  const others = bits & ~seip;
  if (seip !== 0) setSeip(state, SEIP_SOURCE.line, pending);
  if (others === 0) return;
  if (pending) Atomics.or(words, WORD.mip, others);
  else Atomics.and(words, WORD.mip, ~others);
}

/** Changes one of the two sources of SEIP (`SEIP_SOURCE`); the bit in `mip` is their OR (section 3.1.9). */
export function setSeip(state: HartState, source: number, isSet: boolean): void {
  const { words } = state;
  const sources = isSet ? words[WORD.mip + 1] | source : words[WORD.mip + 1] & ~source;
  words[WORD.mip + 1] = sources;
  if (sources !== 0) Atomics.or(words, WORD.mip, INTERRUPT.seip);
  else Atomics.and(words, WORD.mip, ~INTERRUPT.seip);
}

/** The mode whose handler takes exception `cause` now. */
export function exceptionTarget(state: HartState, cause: number): number {
  const { words } = state;
  const isDelegated = ((words[WORD.medeleg] >>> cause) & 1) !== 0 && words[WORD.privilege] !== PRIVILEGE.machine;
  return isDelegated ? PRIVILEGE.supervisor : PRIVILEGE.machine;
}

/** Whether pc is at the start of the exception handler of `target`. */
export function isAtHandler(state: HartState, target: number): boolean {
  const { words } = state;
  const vector = target === PRIVILEGE.machine ? WORD.mtvec : WORD.stvec;
  if (words[WORD.pc] !== (words[vector] & ~3)) return false;
  return state.xlen === 32 || words[WORD.pc + 1] === words[vector + 1];
}

/** Enters the handler of `target`. The trapping instruction has not retired. Also ends an LR/SC sequence. */
export function enterException(
  state: HartState,
  target: number,
  cause: number,
  valueLow: number,
  valueHigh: number,
): void {
  const { words } = state;
  if (target === PRIVILEGE.machine) {
    enterMachine(state, cause, 0, valueLow, valueHigh);
    state.setPc(words[WORD.mtvec] & ~3, words[WORD.mtvec + 1]);
  } else {
    enterSupervisor(state, cause, 0, valueLow, valueHigh);
    state.setPc(words[WORD.stvec] & ~3, words[WORD.stvec + 1]);
  }
}

export function enterInterrupt(state: HartState, number: number): void {
  const { words } = state;
  const isDelegated = ((words[WORD.mideleg] >>> number) & 1) !== 0;
  const low = state.xlen === 32 ? INTERRUPT_FLAG | number : number;
  const high = state.xlen === 32 ? 0 : INTERRUPT_FLAG;
  if (isDelegated) enterSupervisor(state, low, high, 0, 0);
  else enterMachine(state, low, high, 0, 0);
  const vector = isDelegated ? WORD.stvec : WORD.mtvec;
  const base = words[vector] & ~3;
  const target = (words[vector] & 1) !== 0 ? (base + 4 * number) | 0 : base;
  state.setPc(target, base < 0 && target >= 0 ? words[vector + 1] + 1 : words[vector + 1]);
}

function enterMachine(state: HartState, low: number, high: number, valueLow: number, valueHigh: number): void {
  const { words } = state;
  const mstatus = words[WORD.mstatus];
  setPair(words, WORD.mepc, words[WORD.pc], words[WORD.pc + 1]);
  setPair(words, WORD.mcause, low, high);
  setPair(words, WORD.mtval, valueLow, valueHigh);
  words[WORD.mstatus] =
    (mstatus & ~(MSTATUS.mie | MSTATUS.mpie | MSTATUS.mpp)) |
    ((mstatus & MSTATUS.mie) !== 0 ? MSTATUS.mpie : 0) |
    (words[WORD.privilege] << MPP_SHIFT);
  words[WORD.privilege] = PRIVILEGE.machine;
  state.dropReservation();
}

function enterSupervisor(state: HartState, low: number, high: number, valueLow: number, valueHigh: number): void {
  const { words } = state;
  const mstatus = words[WORD.mstatus];
  setPair(words, WORD.sepc, words[WORD.pc], words[WORD.pc + 1]);
  setPair(words, WORD.scause, low, high);
  setPair(words, WORD.stval, valueLow, valueHigh);
  words[WORD.mstatus] =
    (mstatus & ~(MSTATUS.sie | MSTATUS.spie | MSTATUS.spp)) |
    ((mstatus & MSTATUS.sie) !== 0 ? MSTATUS.spie : 0) |
    (words[WORD.privilege] === PRIVILEGE.user ? 0 : MSTATUS.spp);
  words[WORD.privilege] = PRIVILEGE.supervisor;
  state.dropReservation();
}

/** `mret`: sets pc, too. */
export function returnFromMachine(state: HartState): void {
  const { words } = state;
  const mstatus = words[WORD.mstatus];
  const privilege = (mstatus & MSTATUS.mpp) >> MPP_SHIFT;
  // MPP becomes the least privileged mode, U, which is 0.
  let next = (mstatus & ~(MSTATUS.mie | MSTATUS.mpp)) | MSTATUS.mpie;
  if ((mstatus & MSTATUS.mpie) !== 0) next |= MSTATUS.mie;
  if (privilege !== PRIVILEGE.machine) next &= ~MSTATUS.mprv;
  words[WORD.mstatus] = next;
  words[WORD.privilege] = privilege;
  state.setPc(words[WORD.mepc], words[WORD.mepc + 1]);
}

/** `sret`: sets pc, too. */
export function returnFromSupervisor(state: HartState): void {
  const { words } = state;
  const mstatus = words[WORD.mstatus];
  let next = (mstatus & ~(MSTATUS.sie | MSTATUS.spp | MSTATUS.mprv)) | MSTATUS.spie;
  if ((mstatus & MSTATUS.spie) !== 0) next |= MSTATUS.sie;
  words[WORD.mstatus] = next;
  words[WORD.privilege] = (mstatus & MSTATUS.spp) !== 0 ? PRIVILEGE.supervisor : PRIVILEGE.user;
  state.setPc(words[WORD.sepc], words[WORD.sepc + 1]);
}

function setPair(words: Int32Array, word: number, low: number, high: number): void {
  words[word] = low;
  words[word + 1] = high;
}
