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
  /** f0..f31, 8 bytes each; single precision is NaN-boxed. */
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
  stvec: 0x280,
  sepc: 0x288,
  scause: 0x290,
  stval: 0x298,
  sscratch: 0x2a0,
  satp: 0x2a8,
  scounteren: 0x2b0,
  senvcfg: 0x2b8,
  menvcfg: 0x2c0,
  /** fflags in bits 0..4, frm in bits 5..7. */
  fcsr: 0x2c8,
  /** What LR read: SC stores only while memory still holds it, so a write by another thread is seen. */
  reservedValue: 0x2d0,
  hartId: 0x2d8,
  /** What the guest's `mcycle` and `minstret` are ahead of `instret`; the counter itself while `mcountinhibit` stops it. */
  mcycleOffset: 0x2e0,
  minstretOffset: 0x2e8,
  /** pmpcfg0..3 as 16 bytes, one an entry. */
  pmpcfg: 0x2f0,
  /** pmpaddr0..15, 8 bytes each. */
  pmpaddr: 0x300,

  /** From here on what the engines derive from the registers above; 32-bit words. */
  /** Byte offsets of the TLB sets that data reads, data writes and instruction fetches use now. */
  tlbRead: 0x380,
  tlbWrite: 0x384,
  tlbFetch: 0x388,
  /** `FLOAT_READY` bits. */
  floatReady: 0x38c,
  /** RAM offset and length, multiples of 8, of what loads and stores reach unchecked; length 0 under translation. */
  openFirst: 0x390,
  openBytes: 0x394,
  /** What is left of the budget of the piece of code that runs. */
  left: 0x398,
  /** Decoded slot at which the interpreter stopped. */
  slot: 0x39c,
  /** Whether addresses are translated: 0 when fetches and data are physical, 1 when both go through the TLB. */
  paged: 0x3a0,
  /** Which indirect jump of translated code led to pc, as the translator numbers them; 0 when none did. */
  indirect: 0x3a4,
  /** Swallows writes to x0: slot 127. */
  sink: 0x3f8,

  /** TLB sets, `TLB.setBytes` each: four for reads, four for writes, four for fetches. */
  tlb: 0x1000,
} as const;

/** What an FP instruction may count on. */
export const FLOAT_READY = {
  /** mstatus.FS is Dirty. */
  dirty: 1,
  /** Besides, frm is RNE. */
  nearest: 2,
} as const;

/**
 * The software TLB: direct mapped, indexed by bits 12 up of the virtual address. An entry is a 64-bit tag (the address
 * of the page; all ones: invalid) and a 32-bit addend: read and write sets hold host address minus virtual address
 * (modulo 2^32), fetch sets the first decoded slot of the page. An access hits when its last byte lies in the page of the
 * entry that its first byte leads to.
 */
export const TLB = {
  entryBytes: 16,
  entries: 1024,
  setBytes: 0x4000,
  addend: 8,
  /** In fetch sets: binary logarithm of the bytes round the page that are mapped alike and may all be executed. */
  span: 12,
  /** Set numbers. `supervisorUser`: S mode with SUM. */
  user: 0,
  supervisor: 1,
  supervisorUser: 2,
  machine: 3,
  read: STATE.tlb,
  write: STATE.tlb + 4 * 0x4000,
  fetch: STATE.tlb + 8 * 0x4000,
} as const;

/** Guest RAM starts here, behind four WebAssembly pages of state. */
export const RAM_OFFSET = 0x4_0000;

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
  /** A peer has rung: the shared memory's, cleared likewise. */
  sharedMemory: 1 << 17,
} as const;
