/** Atoms that trap, return from traps, and read and write CSRs. */

import { interestingValue } from './compute-atoms.js';
import { LINK, type ProgramWriter } from './program-writer.js';
import type { Traits } from './traits.js';

/** A CSR and the bits of it that a program may write and then put back. */
interface SwappedCsr {
  readonly csr: number;
  readonly written: bigint;
}

const ALL = -1n;
/** Not bit 1 of the trap vectors: what a hart makes of a reserved mode is its own affair. */
const VECTOR = ~2n;
/** Not bit 0 of the trap program counters: QEMU 7.2 keeps it. */
const EVEN = ~1n;
const MACHINE_SWAPPED: readonly SwappedCsr[] = [
  { csr: 0x340, written: ALL },
  { csr: 0x305, written: VECTOR },
  { csr: 0x341, written: EVEN },
  { csr: 0x342, written: ALL },
  { csr: 0x343, written: ALL },
  { csr: 0x306, written: 7n },
];
const SUPERVISOR_SWAPPED: readonly SwappedCsr[] = [
  { csr: 0x140, written: ALL },
  { csr: 0x105, written: VECTOR },
  { csr: 0x141, written: EVEN },
  { csr: 0x142, written: ALL },
  { csr: 0x143, written: ALL },
  { csr: 0x106, written: 7n },
];

/** CSRs with one value: identification, and what is zero here. */
const CONSTANT = [0xf11, 0xf14, 0xf15, 0x301];
/** No hart here has them; user, supervisor and machine level, readable and not. */
const ABSENT = [0x5c0, 0x7c0, 0x800, 0x9c0, 0xcc0, 0xdc0, 0xfc0, 0x00c, 0x180 + 0x40, 0x2c0, 0x3f0, 0xbff, 0xf20];

const FLAGS = 0x001;
const ROUNDING = 0x002;
const FLOAT_STATUS = 0x003;
const FORMS = ['csrrw', 'csrrs', 'csrrc', 'csrrwi', 'csrrsi', 'csrrci'] as const;

/** Reads, sets, clears or writes with a random source. */
function anyAccess(w: ProgramWriter, csr: number): void {
  w.emitRandom(w.rows.named(w.choose(FORMS)), { imm: csr });
}

/** Writes a value, and puts the old one back, so that the monitor's own use of the CSR survives; both reads are seen. */
function swap(w: ProgramWriter, { csr, written }: SwappedCsr): void {
  const value = w.temporary();
  w.constant(value, interestingValue(w) & written);
  const old = w.temporary(value);
  w.emit('csrrw', { rd: old, rs1: value, imm: csr });
  w.emit('csrrw', { rd: w.temporary(old), rs1: old, imm: csr });
}

export function csrAtom(w: ProgramWriter, traits: Traits): void {
  const isWide = traits.xlen === 64;
  switch (w.random.below(10)) {
    case 0:
      anyAccess(w, w.choose(ABSENT));
      return;
    case 1:
      w.emit(w.once(4) ? 'csrrw' : 'csrrs', { rd: w.destination(), rs1: 0, imm: w.choose(CONSTANT) });
      return;
    case 2:
    case 3:
      anyAccess(w, isWide ? w.choose([FLAGS, ROUNDING, FLOAT_STATUS]) : FLOAT_STATUS);
      return;
    default:
      swap(w, w.choose(isWide && w.once(2) ? SUPERVISOR_SWAPPED : MACHINE_SWAPPED));
  }
}

const MSTATUS = 0x300;
const SSTATUS = 0x100;
const BIT = {
  sie: 1n << 1n,
  mie: 1n << 3n,
  spie: 1n << 5n,
  mpie: 1n << 7n,
  spp: 1n << 8n,
  fs: 3n << 13n,
  mprv: 1n << 17n,
  sum: 1n << 18n,
  mxr: 1n << 19n,
  tvm: 1n << 20n,
  tw: 1n << 21n,
  tsr: 1n << 22n,
};

/**
 * Where an old status may go. QEMU 7.2 does not make FS dirty for the flags of a comparison: the program must not see how
 * precisely the hart keeps it.
 */
const statusDestination = (w: ProgramWriter, traits: Traits): number =>
  traits.floatStatus === 1 || traits.floatStatus === 2 ? 0 : w.destination();

/**
 * Sets or clears some bits of `mstatus` or `sstatus`. MPRV is for `lentRightsAtom`: with it set, QEMU 7.2 lets a store
 * to the page it fetches from pass unchecked. TVM is for programs that do not have to fence.
 */
export function statusAtom(w: ProgramWriter, traits: Traits): void {
  const isWide = traits.xlen === 64;
  const machine = [BIT.mie, BIT.mpie, BIT.tw];
  const wide = [BIT.sie, BIT.spie, BIT.spp, BIT.sum, BIT.mxr, BIT.tsr, traits.paged ? BIT.mxr : BIT.tvm];
  const bits = isWide ? [...machine, ...wide, BIT.sum, BIT.mxr] : machine;
  const rs1 = w.temporary();
  w.constant(rs1, w.choose(bits) | w.choose(bits));
  const csr = isWide && w.once(2) ? SSTATUS : MSTATUS;
  w.emit(w.once(2) ? 'csrrs' : 'csrrc', { rd: statusDestination(w, traits), rs1, imm: csr });
}

const MPP_SHIFT = 11n;

/** In M mode: loads or stores with the rights of another mode, by MPRV; elsewhere the CSR accesses trap. */
export function lentRightsAtom(w: ProgramWriter, traits: Traits, access: () => void): void {
  const rs1 = w.temporary();
  const mode = w.choose([traits.startMode, ...traits.modes]);
  w.constant(rs1, 3n << MPP_SHIFT);
  w.emit('csrrc', { rd: 0, rs1, imm: MSTATUS });
  w.constant(rs1, (BigInt(mode) << MPP_SHIFT) | BIT.mprv);
  w.emit('csrrs', { rd: 0, rs1, imm: MSTATUS });
  access();
  const rs2 = w.temporary();
  w.constant(rs2, BIT.mprv);
  w.emit('csrrc', { rd: statusDestination(w, traits), rs1: rs2, imm: MSTATUS });
}

export function trapAtom(w: ProgramWriter): void {
  switch (w.random.below(5)) {
    case 0:
    case 1:
      w.emit('ecall');
      return;
    case 2:
      w.emit('ebreak');
      return;
    case 3:
      w.emit('c.ebreak');
      return;
    default:
      illegalWord(w);
  }
}

/** Bits that are no instruction, by the table; one bit away from an instruction more often than not. */
function illegalWord(w: ProgramWriter): void {
  const { random, rows } = w;
  for (;;) {
    const near = w.randomWord(w.choose(rows.integer)) ^ (1 << random.below(32));
    const word = w.once(3) ? random.uint32() : near >>> 0;
    if (rows.decoder.find(word) !== undefined) continue;
    const isLong = (word & 3) === 3;
    w.raw(isLong ? word : word & 0xffff, isLong ? 4 : 2);
    return;
  }
}

/** Goes on behind itself in another mode, by `mret`; in U mode all of it traps. */
export function machineReturnAtom(w: ProgramWriter, traits: Traits): void {
  const mode = w.choose(traits.modes);
  const rs1 = w.temporary(LINK);
  // MPRV too: QEMU 7.2 keeps it when it leaves M mode.
  w.constant(rs1, (3n << MPP_SHIFT) | BIT.mprv);
  const set = w.temporary(rs1);
  w.constant(set, BigInt(mode) << MPP_SHIFT);
  w.address(LINK, 8 + 4 * 4);
  w.emit('csrrw', { rd: 0, rs1: LINK, imm: 0x341 });
  w.emit('csrrc', { rd: 0, rs1, imm: MSTATUS });
  w.emit('csrrs', { rd: 0, rs1: set, imm: MSTATUS });
  w.emit('mret');
}

const SIP = 0x144;
const SIE = 0x104;
const MIP = 0x344;
const MIE = 0x304;

/** Makes interrupts of S mode pending, or enables them: they are taken at once where they are enabled, and at a later atom else. */
export function interruptAtom(w: ProgramWriter, traits: Traits): void {
  const rs1 = w.temporary();
  w.constant(rs1, BigInt(w.choose(traits.interrupts)));
  const isMachine = traits.startMode === 3 || w.once(4);
  const form = w.once(4) ? 'csrrc' : 'csrrs';
  if (w.once(2)) {
    // Not read: the board's timer shows in `mip`.
    w.emit(form, { rd: 0, rs1, imm: isMachine ? MIP : SIP });
  } else {
    w.emit(form, { rd: w.destination(), rs1, imm: isMachine ? MIE : SIE });
  }
}

/** Goes on behind itself in U or S mode, by `sret`; in U mode all of it traps. */
export function supervisorReturnAtom(w: ProgramWriter, traits: Traits): void {
  const rs1 = w.temporary(LINK);
  w.constant(rs1, BIT.spp);
  const isUser = w.choose(traits.modes) === 0;
  w.address(LINK, 8 + 3 * 4);
  w.emit('csrrw', { rd: 0, rs1: LINK, imm: 0x141 });
  w.emit(isUser ? 'csrrc' : 'csrrs', { rd: 0, rs1, imm: SSTATUS });
  w.emit('sret');
}
