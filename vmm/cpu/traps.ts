/** Trap entry and return, and which interrupt is next (Privileged specification 1.12, sections 3.1.6 to 3.1.9). */

import { type HartState, MPP_SHIFT, MSTATUS, PRIVILEGE, WORD } from './hart-state.js';
import { INTERRUPT } from './state-layout.js';

/** Exception codes of `mcause` (table 3.6). */
export const CAUSE = {
  fetchAccess: 1,
  illegalInstruction: 2,
  breakpoint: 3,
  loadMisaligned: 4,
  loadAccess: 5,
  storeMisaligned: 6,
  storeAccess: 7,
  ecallFromUser: 8,
  ecallFromMachine: 11,
} as const;

const INTERRUPT_FLAG = 0x8000_0000;

/** MEI, MSI, MTI by the specification, then the platform's own from 16 up, lowest number first. */
const PRIORITY: readonly number[] = [
  INTERRUPT.meip,
  INTERRUPT.msip,
  INTERRUPT.mtip,
  ...Array.from({ length: 16 }, (_, i) => 1 << (16 + i)),
];

/** Interrupts the hart has at all: what `mie` can hold. */
export const INTERRUPT_MASK = PRIORITY.reduce((mask, bit) => mask | bit, 0);

/** Interrupts of the platform: the rig sets them, the guest can only clear them. */
export const CLEARABLE_INTERRUPTS = 0xffff_0000 | 0;

/** Pending and enabled in `mie`, whatever `mstatus` says. */
export function awaitingInterrupts(state: HartState): number {
  return Atomics.load(state.words, WORD.mip) & state.words[WORD.mie];
}

/** The interrupt to take before the next instruction: its number, or -1. */
export function nextInterrupt(state: HartState): number {
  const awaiting = awaitingInterrupts(state);
  if (awaiting === 0) return -1;
  const { words } = state;
  if (words[WORD.privilege] === PRIVILEGE.machine && (words[WORD.mstatus] & MSTATUS.mie) === 0) return -1;
  for (const bit of PRIORITY) {
    if ((awaiting & bit) !== 0) return 31 - Math.clz32(bit);
  }
  return -1;
}

/** Enters the M-mode handler. The trapping instruction has not retired. Also ends an LR/SC sequence. */
export function enterException(state: HartState, cause: number, value: number): void {
  enter(state, cause, value);
  state.words[WORD.pc] = state.words[WORD.mtvec] & ~3;
}

export function enterInterrupt(state: HartState, number: number): void {
  enter(state, INTERRUPT_FLAG | number, 0);
  const mtvec = state.words[WORD.mtvec];
  const isVectored = (mtvec & 1) !== 0;
  state.words[WORD.pc] = (mtvec & ~3) + (isVectored ? 4 * number : 0);
}

function enter(state: HartState, cause: number, value: number): void {
  const { words } = state;
  const mstatus = words[WORD.mstatus];
  words[WORD.mepc] = words[WORD.pc];
  words[WORD.mcause] = cause;
  words[WORD.mtval] = value;
  words[WORD.mstatus] =
    (mstatus & ~(MSTATUS.mie | MSTATUS.mpie | MSTATUS.mpp)) |
    ((mstatus & MSTATUS.mie) !== 0 ? MSTATUS.mpie : 0) |
    (words[WORD.privilege] << MPP_SHIFT);
  words[WORD.privilege] = PRIVILEGE.machine;
  state.dropReservation();
}

/** `mret`: sets pc, too. */
export function returnFromTrap(state: HartState): void {
  const { words } = state;
  const mstatus = words[WORD.mstatus];
  const privilege = (mstatus & MSTATUS.mpp) >> MPP_SHIFT;
  // MPP becomes the least privileged mode, U, which is 0.
  let next = (mstatus & ~(MSTATUS.mie | MSTATUS.mpp)) | MSTATUS.mpie;
  if ((mstatus & MSTATUS.mpie) !== 0) next |= MSTATUS.mie;
  if (privilege !== PRIVILEGE.machine) next &= ~MSTATUS.mprv;
  words[WORD.mstatus] = next;
  words[WORD.privilege] = privilege;
  words[WORD.pc] = words[WORD.mepc];
}
