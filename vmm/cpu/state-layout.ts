/**
 * Where a vCPU's architectural state lives: in the same `WebAssembly.Memory` as its guest RAM, at fixed byte offsets,
 * so that the interpreter, the translator's generated code and another thread see one copy.
 *
 * Every register has a 64-bit slot, little-endian. On RV32 the low word counts and the high word is not kept.
 */

/** Byte offsets from the start of the memory. */
export const STATE = {
  /** x0..x31, 8 bytes each; the slot of x0 stays zero. */
  x: 0x000,
  /** f0..f31, 8 bytes each (B builds F and D). */
  f: 0x100,
  pc: 0x200,
  /** Retired instructions, a 64-bit integer: `minstret` without the guest's own offset. */
  instret: 0x208,
  /** 0 = U, 1 = S, 3 = M. */
  privilege: 0x210,
  /** LR/SC reservation: physical address of the reserved word, all ones when there is none. */
  reservation: 0x218,
  /** `mip`. Other threads may only set bits here, with `Atomics.or`. */
  mip: 0x220,
  mie: 0x228,
  mstatus: 0x230,
  mtvec: 0x238,
  mepc: 0x240,
  mcause: 0x248,
  mtval: 0x250,
  mscratch: 0x258,
  mideleg: 0x260,
  medeleg: 0x268,
  mcounteren: 0x270,
  mcountinhibit: 0x278,
  /** S-mode CSRs, satp and fcsr follow here in B. */
  supervisor: 0x280,
  /** pmpcfg0..3 as 16 bytes, one an entry. */
  pmpcfg: 0x380,
  /** pmpaddr0..15, 8 bytes each. */
  pmpaddr: 0x390,
  /** What the guest's `mcycle` and `minstret` are ahead of `instret`; the counter itself while `mcountinhibit` stops it. */
  mcycleOffset: 0x410,
  minstretOffset: 0x418,
  /** The word that LR read: SC stores only while memory still holds it, so a write by another thread is seen. */
  reservedValue: 0x420,
  hartId: 0x428,
  /** Software TLB of the translator. */
  tlb: 0x1000,
} as const;

/** Guest RAM starts here; the state area is one WebAssembly page. */
export const RAM_OFFSET = 0x1_0000;

/** Bits of `mip` and `mie` (Privileged specification, section 3.1.9; 16 and above are for the platform). */
export const INTERRUPT = {
  ssip: 1 << 1,
  msip: 1 << 3,
  stip: 1 << 5,
  mtip: 1 << 7,
  seip: 1 << 9,
  meip: 1 << 11,
  /** The cell's doorbell: the I/O loop sets it, the guest clears it with `csrc mip`, and neither costs an exit. */
  doorbell: 1 << 16,
} as const;
