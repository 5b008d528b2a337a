/** Typed access to the architectural state of an RV32 hart in the state area. */

import type { SharedWasmMemory } from './guest-memory.js';
import { STATE } from './state-layout.js';

/** Indices of 32-bit words; a 64-bit slot's high word follows its low word. */
export const WORD = {
  pc: STATE.pc >> 2,
  instret: STATE.instret >> 2,
  privilege: STATE.privilege >> 2,
  reservation: STATE.reservation >> 2,
  reservedValue: STATE.reservedValue >> 2,
  mip: STATE.mip >> 2,
  mie: STATE.mie >> 2,
  mstatus: STATE.mstatus >> 2,
  mtvec: STATE.mtvec >> 2,
  mepc: STATE.mepc >> 2,
  mcause: STATE.mcause >> 2,
  mtval: STATE.mtval >> 2,
  mscratch: STATE.mscratch >> 2,
  mcounteren: STATE.mcounteren >> 2,
  mcountinhibit: STATE.mcountinhibit >> 2,
  mcycleOffset: STATE.mcycleOffset >> 2,
  minstretOffset: STATE.minstretOffset >> 2,
  hartId: STATE.hartId >> 2,
  pmpaddr: STATE.pmpaddr >> 2,
} as const;

/** Everything up to here is cleared by a reset; the translator's area beyond it is its own. */
const RESET_WORDS = STATE.tlb >> 2;

/** The word that swallows writes to x0: the unused high half of x1's slot, cleared whenever the hot loop ends. */
export const SINK = 3;

export const PRIVILEGE = { user: 0, machine: 3 } as const;

/** Bits of `mstatus` that exist with M and U mode (Privileged specification 1.12, section 3.1.6). */
export const MSTATUS = { mie: 1 << 3, mpie: 1 << 7, mpp: 3 << 11, mprv: 1 << 17, tw: 1 << 21 } as const;
export const MPP_SHIFT = 11;

const TWO_32 = 0x1_0000_0000;

/** State as 32-bit words, plus the few values that need two of them. */
export class HartState {
  /** The whole state area; `x[n]` is `words[2 * n]`. */
  readonly words: Int32Array;
  readonly pmpcfg: Uint8Array;
  /** The same as the two words of `instret`, as one number. */
  #instret = 0;

  constructor(memory: SharedWasmMemory) {
    this.words = new Int32Array(memory.buffer, 0, RESET_WORDS);
    this.pmpcfg = new Uint8Array(memory.buffer, STATE.pmpcfg, 16);
  }

  reset(pc: number, hartId: number): void {
    const { words } = this;
    words.fill(0);
    this.#instret = 0;
    words[WORD.pc] = pc;
    words[WORD.privilege] = PRIVILEGE.machine;
    words[WORD.hartId] = hartId;
    this.dropReservation();
  }

  get privilege(): number {
    return this.words[WORD.privilege];
  }

  /** The privilege that loads and stores have: `mstatus.MPRV` lends M mode the rights of MPP. */
  get dataPrivilege(): number {
    const mstatus = this.words[WORD.mstatus];
    const isLent = (mstatus & MSTATUS.mprv) !== 0 && this.privilege === PRIVILEGE.machine;
    return isLent ? (mstatus & MSTATUS.mpp) >> MPP_SHIFT : this.privilege;
  }

  get instret(): number {
    return this.#instret;
  }

  set instret(count: number) {
    this.#instret = count;
    this.words[WORD.instret] = count;
    this.words[WORD.instret + 1] = count < TWO_32 ? 0 : Math.floor(count / TWO_32);
  }

  dropReservation(): void {
    this.words[WORD.reservation] = -1;
    this.words[WORD.reservation + 1] = -1;
  }
}
