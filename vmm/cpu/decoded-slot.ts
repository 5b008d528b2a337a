/** The form in which code waits for the interpreter: one slot of two 32-bit words for every halfword of guest code. */

/**
 * First word: bits 0..9 what to do, 10..16 rd, 17..23 rs1, 24..30 rs2 as register slots, 31 whether the instruction has
 * four bytes. Second word: the immediate; `lui` and `auipc` have it shifted, FP instructions have `rm | rs3 slot << 3`,
 * and what only the slow path executes (system, CSR, illegal) has the instruction's bits.
 */
export const SLOT = {
  operationMask: 0x3ff,
  rdShift: 10,
  rs1Shift: 17,
  rs2Shift: 24,
  registerMask: 0x7f,
  lengthShift: 31,
  bytes: 8,
  words: 2,
} as const;

/** Register slots: x0..x31 are 0..31, f0..f31 are 32..63; this one, instead of x0 as a destination, swallows. */
export const SINK_SLOT = 127;

/** Operations besides the instruction numbers (`Instruction.id`), which are below 320. */
export const OPERATION = {
  /** Nobody has looked at the slot: what fresh memory holds. */
  undecoded: 0,
  /** No instruction of this hart; the second word has its bits. */
  illegal: 321,
  /** The instruction's second half lies in another page: fetched, decoded and executed on its own. */
  straddling: 322,
  /** Behind the last slot of a page. */
  pageEnd: 323,
  /** The second half of the straddling instruction cannot be fetched. */
  fetchFault: 324,
  /** Added to an FP instruction whose rounding mode only the slow path has. */
  slow: 512,
} as const;

/** Slots of one page of code, with the two behind its end into which straight code runs. */
export const PAGE_SLOTS = 2048;
export const PAGE_SLOT_BYTES = (PAGE_SLOTS + 2) * SLOT.bytes;
