/** Where everything lies in the RAM image that QEMU and every engine run: monitor, slots, descriptor, record. */

/** Start of RAM, of the monitor, and of the image. */
export const IMAGE_BASE = 0x8000_0000;

/** What the monitor writes its signals to: the transmit register of the board's UART. */
export const SIGNAL_GPA = 0x1000_0000;
/** Signals: one program has ended; all have. */
export const SIGNAL = { programEnded: 0x70, imageEnded: 0x44 } as const;

/** Offsets from `IMAGE_BASE`. */
export const IMAGE = {
  monitor: 0x0000,
  globals: 0x1000,
  /** One descriptor address of 8 bytes for each program. */
  programList: 0x2000,
  /** The level-1 table behind the identity gigapage of supervisor mode, shared by all programs. */
  identityTable: 0x6000,
  slots: 0x1_0000,
} as const;

export const LIST_CAPACITY = (IMAGE.identityTable - IMAGE.programList) / 8;

/** Fields of the globals page. */
export const GLOBAL = { handler: 0x00, remaining: 0x08, cursor: 0x10 } as const;

/** Offsets in a program's slot; RV64 slots have the page tables, too. */
export const SLOT = {
  descriptor: 0x0000,
  code: 0x1000,
  data: 0x2000,
  rootTable: 0x4000,
  middleTable: 0x5000,
  leafTable: 0x6000,
} as const;

export const CODE_BYTES = 0x1000;
export const DATA_BYTES = 0x2000;
export const slotBytes = (xlen: 32 | 64): number => (xlen === 32 ? 0x4000 : 0x8000);

/**
 * Offsets in the descriptor page; every value has a slot of 8 bytes, of which RV32 uses the low half.
 * The first part is what the generator asks for, the second (from `result` on) what the monitor records.
 */
export const FIELD = {
  x: 0x000,
  f: 0x100,
  fcsr: 0x200,
  mstatus: 0x208,
  mepc: 0x210,
  satp: 0x218,
  medeleg: 0x220,
  mideleg: 0x228,
  mie: 0x230,
  stvec: 0x238,
  sscratch: 0x240,
  /** Physical address of the code page. */
  code: 0x248,
  /** Bits of an address that are the offset in the code page. */
  mask: 0x250,
  /** Offset of the `ecall` that ends the program. */
  end: 0x258,
  trapLimit: 0x260,
  supervisorTrapLimit: 0x268,
  /** Where the code page is visible in U, S, (reserved) and M mode. */
  codeBases: 0x270,
  /** Eight bytes: the modes that `ecall` goes to, by trap count. */
  modes: 0x290,
  globals: 0x298,
  /** Address of the supervisor handler's own `ecall`. */
  supervisorEnd: 0x2a0,
  pmpcfg: 0x2a8,
  pmpaddr: 0x2b8,
  /** The supervisor handler's spill area. */
  spill: 0x340,
  result: 0x380,
  resultX: 0x380,
  resultF: 0x480,
  resultCsr: 0x580,
  trapCount: 0x600,
  supervisorTrapCount: 0x608,
  traps: 0x620,
  supervisorTraps: 0xb20,
  end_: 0xe20,
} as const;

/** A trap as both handlers record it: cause, epc, tval, status; 8 bytes each. */
export const TRAP_BYTES = 32;
export const TRAP_CAPACITY = (FIELD.supervisorTraps - FIELD.traps) / TRAP_BYTES;
export const SUPERVISOR_TRAP_CAPACITY = (FIELD.end_ - FIELD.supervisorTraps) / TRAP_BYTES;

/** Handlers point to the middle of the descriptor page, so that 12-bit offsets reach all of it. */
export const DESCRIPTOR_BIAS = 0x800;

/** CSRs that the monitor records at a program's end, in the order of `FIELD.resultCsr`. */
export const recordedCsrs = (xlen: 32 | 64): readonly (readonly [name: string, csr: number])[] => [
  ['mstatus', 0x300],
  ['mie', 0x304],
  ['mip', 0x344],
  ['pmpcfg0', 0x3a0],
  ['pmpaddr2', 0x3b2],
  ['mcounteren', 0x306],
  ...(xlen === 32
    ? []
    : ([
        ['satp', 0x180],
        ['sstatus', 0x100],
        ['sepc', 0x141],
        ['scause', 0x142],
        ['stval', 0x143],
        ['sscratch', 0x140],
        ['stvec', 0x105],
        ['sie', 0x104],
        ['pmpcfg2', 0x3a2],
      ] as const)),
];

/** Guest physical address of slot number `index`. */
export const slotGpa = (xlen: 32 | 64, index: number): number => IMAGE_BASE + IMAGE.slots + index * slotBytes(xlen);
