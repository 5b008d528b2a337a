/** From a seed to one random program: its code, data and start state, such that it ends whatever it does. */

import { createRandom, type Random } from '../../base/index.js';
import {
  constantAtom,
  floatingAtom,
  integerAtom,
  interestingFloat,
  interestingValue,
  trailingZerosAtom,
} from './compute-atoms.js';
import {
  branchAtom,
  callAtom,
  fenceAtom,
  jumpAtom,
  loop,
  returnAtom,
  selfModifyingAtom,
  wildJumpAtom,
} from './control-atoms.js';
import { CODE_BYTES, DATA_BYTES, SLOT, SUPERVISOR_TRAP_CAPACITY, slotGpa, TRAP_CAPACITY } from './image-layout.js';
import { accessAtom, atomicAtom, canReserve, type DataWindow, reservationAtom } from './memory-atoms.js';
import { drawPaging, type Paging, tableAtom, translationAtom } from './paging.js';
import { LINK, ProgramWriter, type RegisterPlan } from './program-writer.js';
import { drawProtection, type Protection, protectionAtom } from './protection.js';
import { RowSet } from './row-set.js';
import {
  csrAtom,
  interruptAtom,
  lentRightsAtom,
  machineReturnAtom,
  statusAtom,
  supervisorReturnAtom,
  trapAtom,
} from './system-atoms.js';
import { drawTraits, type Traits } from './traits.js';

/** One program, placed in its slot: everything that its descriptor and its pages hold. */
export interface GeneratedProgram {
  readonly seed: number;
  readonly xlen: 32 | 64;
  /** Number of the slot in the image. */
  readonly slot: number;
  readonly traits: Traits;
  readonly code: Uint8Array;
  /** Bytes of `code` that were written. */
  readonly codeEnd: number;
  readonly entry: number;
  /** Offsets of the atoms: what a jump may go to. */
  readonly atoms: readonly number[];
  /** Offset of the `ecall` that ends it. */
  readonly end: number;
  readonly data: Uint8Array;
  readonly x: readonly bigint[];
  readonly f: readonly bigint[];
  readonly csrs: { readonly [name in 'fcsr' | 'mstatus' | 'mie' | 'satp' | 'medeleg' | 'mideleg']: bigint };
  readonly protection: Protection;
  readonly paging: Paging | undefined;
  /** Where U, S and M mode see the code page; index 2 is no mode. */
  readonly codeBases: readonly bigint[];
  readonly trapLimit: number;
  readonly supervisorTrapLimit: number;
}

/** The rows that programs are made of, by width. */
export const ROWS = { 32: new RowSet(32), 64: new RowSet(64) } as const;

type Atom = readonly [weight: number, write: (w: ProgramWriter) => void];

/** Program number `seed` for this width: the same bits on every machine; `slot` only moves its addresses. */
export function generateProgram(xlen: 32 | 64, seed: number, slot: number): GeneratedProgram {
  const random = createRandom(`rv${xlen} program ${seed}`);
  const traits = drawTraits(random, xlen);
  const base = slotGpa(xlen, slot);
  const plan = drawPlan(random);
  const w = new ProgramWriter(random, ROWS[xlen], plan);
  const protection = drawProtection(random, traits, base);
  const paging = traits.paged ? drawPaging(random, traits, base) : undefined;
  const window: DataWindow = {
    baseOffset: 0x800 + random.below(0xff0 / 8) * (random.below(4) === 0 ? 7 : 8),
    wild: [...WILD, ...(paging?.wild ?? [])],
  };
  const surroundings = { traits, window, protection, paging };
  const { entry, end } = writeCode(w, surroundings);
  const codeBases = paging?.codeBases ?? [0, 0, 0, 0].map(() => BigInt(base + SLOT.code));
  const physicalData = BigInt(base + SLOT.data);
  return {
    seed,
    xlen,
    slot,
    traits,
    code: w.bytes,
    codeEnd: w.offset,
    entry,
    atoms: w.atoms,
    end,
    data: randomBytes(random, DATA_BYTES),
    x: startRegisters(w, codeBases[traits.startMode] + BigInt(entry), {
      physical: physicalData + BigInt(window.baseOffset),
      virtual: (paging?.dataVa ?? physicalData) + BigInt(window.baseOffset),
    }),
    f: Array.from({ length: 32 }, () => interestingFloat(w)),
    csrs: startCsrs(random, traits, paging),
    protection,
    paging,
    codeBases,
    trapLimit: Math.min(TRAP_CAPACITY, 24 + random.below(16)),
    supervisorTrapLimit: SUPERVISOR_TRAP_CAPACITY,
  };
}

/** Neither RAM nor a device of the board, and not above 4 GiB. */
const WILD: readonly bigint[] = [0n, 0x10n, 0x0800_0000n, 0x1800_0000n, 0x2800_0000n, 0xc000_0000n, 0xffff_f000n];

/** At most one of the eight registers that compressed instructions name is taken. */
function drawPlan(random: Random): RegisterPlan {
  const high = Array.from({ length: 16 }, (_, i) => 16 + i);
  const low = [3, 4, 5, 6, 7, 8 + random.below(8)];
  const take = (list: number[]): number => list.splice(random.below(list.length), 1)[0];
  return {
    physicalBase: take(random.below(2) === 0 ? low : high),
    virtualBase: take(high),
    counters: [take(high), take(high)],
  };
}

function randomBytes(random: Random, length: number): Uint8Array {
  const words = new Uint32Array(length / 4);
  for (let i = 0; i < words.length; i++) words[i] = random.uint32();
  return new Uint8Array(words.buffer);
}

interface Pointers {
  readonly physical: bigint;
  readonly virtual: bigint;
}

function startRegisters(w: ProgramWriter, entry: bigint, { physical, virtual }: Pointers): bigint[] {
  const x = Array.from({ length: 32 }, () => interestingValue(w));
  const { plan } = w;
  x[0] = 0n;
  x[LINK] = entry;
  x[plan.physicalBase] = physical;
  x[plan.virtualBase] = virtual;
  for (const counter of plan.counters) x[counter] = 0n;
  return x;
}

const MPP_SHIFT = 11n;
const FS_SHIFT = 13n;
const SPIE_MPIE = [0n, 1n << 5n, 1n << 7n, (1n << 5n) | (1n << 7n)];
const SUM_MXR = [0n, 0n, 1n << 18n, 1n << 19n, (1n << 18n) | (1n << 19n)];

const SUPERVISOR_INTERRUPTS = 0x222;

/**
 * What S mode may be given. Not faults of a fetch, nor access faults: its handler could not run. Not its own `ecall`, by
 * which it ends the program. Causes that QEMU 7.2 mistakes for each other go together.
 */
const DELEGABLE = [1 << 0, 1 << 2, 1 << 3, (1 << 4) | (1 << 6), 1 << 8, (1 << 13) | (1 << 15)];

function startCsrs(random: Random, traits: Traits, paging: Paging | undefined): GeneratedProgram['csrs'] {
  let mstatus = (BigInt(traits.startMode) << MPP_SHIFT) | SPIE_MPIE[random.below(4)];
  if (traits.xlen === 32) {
    mstatus &= ~(1n << 5n);
    return { fcsr: 0n, mstatus, mie: 0n, satp: 0n, medeleg: 0n, mideleg: 0n };
  }
  mstatus |= (BigInt(traits.floatStatus) << FS_SHIFT) | SUM_MXR[random.below(5)];
  const delegated = DELEGABLE.filter(() => traits.delegated && random.below(4) !== 0);
  return {
    fcsr: BigInt(random.below(0x20) | (random.below(5) << 5)),
    mstatus,
    mie: BigInt(random.uint32() & SUPERVISOR_INTERRUPTS),
    satp: paging?.satp ?? 0n,
    medeleg: BigInt(delegated.reduce((all, bits) => all | bits, 0)),
    mideleg: BigInt(traits.delegated ? random.uint32() & SUPERVISOR_INTERRUPTS : 0),
  };
}

interface Surroundings {
  readonly traits: Traits;
  readonly window: DataWindow;
  readonly protection: Protection;
  readonly paging: Paging | undefined;
}

/** Leaf functions first, then the program itself; `end` is the last instruction. */
function writeCode(w: ProgramWriter, around: Surroundings): { entry: number; end: number } {
  const functions: number[] = [];
  const leafAtoms = atomsOf(around, []).filter(([, write]) => !usesLink.has(write));
  for (let i = w.random.below(3); i > 0; i--) {
    functions.push(w.offset);
    // No loops: one that is left early inside a caller's loop would set the shared counter again and again.
    for (let atoms = 2 + w.random.below(5); atoms > 0; atoms--) writeAtom(w, leafAtoms);
    w.beginAtom();
    w.endSection();
    returnAtom(w);
  }
  const entry = w.offset;
  const atoms = atomsOf(around, functions);
  for (let i = 15 + w.random.below(45); i > 0 && w.offset < LAST_ATOM; i--) {
    if (w.once(12)) writeLoop(w, atoms);
    else writeAtom(w, atoms);
  }
  w.beginAtom();
  w.endSection();
  const end = w.offset;
  w.emit('ecall');
  return { entry, end };
}

/** No atom begins behind this offset, so that the last one fits on the page. */
const LAST_ATOM = CODE_BYTES - 0x200;

function writeLoop(w: ProgramWriter, atoms: readonly Atom[]): void {
  loop(w, w.plan.counters[0], () => {
    for (let i = 1 + w.random.below(4); i > 0; i--) writeAtom(w, atoms);
  });
}

function writeAtom(w: ProgramWriter, atoms: readonly Atom[]): void {
  w.beginAtom();
  let pick = w.random.below(atoms.reduce((sum, [weight]) => sum + weight, 0));
  for (const [weight, write] of atoms) {
    pick -= weight;
    if (pick >= 0) continue;
    write(w);
    return;
  }
}

/** Atoms that write the link register, which a function needs to return. */
const usesLink = new WeakSet<(w: ProgramWriter) => void>();

function linking(write: (w: ProgramWriter) => void): (w: ProgramWriter) => void {
  usesLink.add(write);
  return write;
}

function atomsOf(around: Surroundings, functions: readonly number[]): Atom[] {
  const { traits, window } = around;
  const rare = traits.calm ? 0 : 1;
  const access = (w: ProgramWriter): void => accessAtom(w, traits, window);
  return [
    [30, integerAtom],
    [6, constantAtom],
    [traits.xlen === 64 ? 1 : 0, trailingZerosAtom],
    [traits.floating ? 30 : rare * Number(traits.xlen === 64), floatingAtom],
    [25, access],
    [8, (w) => atomicAtom(w, traits, window)],
    [canReserve(traits) ? 5 : 0, (w) => reservationAtom(w, window)],
    [10, branchAtom],
    [4, jumpAtom],
    [5, linking((w) => callAtom(w, functions))],
    [3, selfModifyingAtom],
    [2, fenceAtom],
    [3 * rare, trapAtom],
    [rare, linking((w) => wildJumpAtom(w, window.wild))],
    ...privilegedAtoms(around, access, rare),
  ];
}

function privilegedAtoms({ traits, protection, paging }: Surroundings, access: Atom[1], rare: number): Atom[] {
  const isMachine = traits.startMode === 3;
  const isUser = traits.startMode === 0;
  const often = isUser ? rare : 4;
  const machine: Atom[] = [
    [isMachine ? 8 : 2 * rare, (w) => csrAtom(w, traits)],
    [isMachine ? 4 : rare, (w) => statusAtom(w, traits)],
    [isMachine ? 4 : 0, (w) => lentRightsAtom(w, traits, () => access(w))],
    [isMachine ? 2 : rare, linking((w) => machineReturnAtom(w, traits))],
    [traits.protectedData && isMachine ? 4 : 0, (w) => protectionAtom(w, protection)],
  ];
  if (traits.xlen === 32) return machine;
  const supervisor: Atom[] = [
    [often, (w) => interruptAtom(w, traits)],
    [isUser ? rare : 2, linking((w) => supervisorReturnAtom(w, traits))],
  ];
  if (paging === undefined) return [...machine, ...supervisor];
  const translation: Atom[] = [
    [often, (w) => tableAtom(w, traits, paging)],
    [isUser ? rare : 2, (w) => translationAtom(w, paging)],
  ];
  return [...machine, ...supervisor, ...translation];
}
