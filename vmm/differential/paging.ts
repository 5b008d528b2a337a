/** Sv39 page tables of a program: random rights, superpages good and bad, and the atoms that change them. */

import type { Random } from '../../base/index.js';
import { IMAGE, IMAGE_BASE, SLOT } from './image-layout.js';
import type { ProgramWriter } from './program-writer.js';
import { staysAligned, type Traits } from './traits.js';

export interface TableEntry {
  /** Physical address of the entry. */
  readonly gpa: number;
  readonly value: bigint;
}

export interface Paging {
  readonly satp: bigint;
  /** Entries of the program's own three tables; all others are zero. */
  readonly entries: readonly TableEntry[];
  /** Where the data window is visible. */
  readonly dataVa: bigint;
  /** Where U, S, (reserved) and M mode see the code page. */
  readonly codeBases: readonly bigint[];
  /** Canonical but unmapped addresses, and addresses that are not canonical. */
  readonly wild: readonly bigint[];
  /** Entries that the program may change while it runs. */
  readonly changeable: readonly Changeable[];
}

interface Changeable {
  readonly gpa: number;
  /** What it points to: any rights for the same place are harmless. */
  readonly ppn: bigint;
}

const V = 1n;
const R = 2n;
const W = 4n;
const X = 8n;
const U = 16n;
const A = 64n;
const D = 128n;
const SV39 = 8n << 60n;
const IDENTITY_INDEX = 2n;
const MEGA = 0x20_0000;

const ppnOf = (gpa: number): bigint => BigInt(gpa >>> 12);
const entry = (ppn: bigint, flags: bigint): bigint => (ppn << 10n) | flags;
const signExtend = (va: bigint): bigint => BigInt.asUintN(64, BigInt.asIntN(39, va));

/** The flags of a leaf: mostly such that `isUser` code can use it, else anything. */
function drawFlags(random: Random, isUser: boolean): bigint {
  const software = BigInt(random.below(4)) << 8n;
  if (random.below(10) < 6) return V | R | W | X | A | D | (isUser ? U : 0n) | software;
  if (random.below(3) !== 0) {
    // Everything but one.
    const missing = [R, W, X, U, A, D, A | D][random.below(7)];
    return ((V | R | W | X | U | A | D) & ~missing) | software;
  }
  const reserved = random.below(4) === 0 ? 1n << BigInt(54 + random.below(10)) : 0n;
  return BigInt(random.below(0x400)) | reserved;
}

/** U mode needs code that is its own; S mode may see the page where it is, or at an address of its own. */
function drawCodeFlags(random: Random, isUser: boolean): bigint {
  if (random.below(12) === 0) return drawFlags(random, isUser);
  const written = random.below(3) === 0 ? 0n : W | D;
  return V | R | X | (random.below(3) === 0 ? 0n : A) | written | (isUser ? U : 0n);
}

/** Indices of the root table whose addresses are no physical addresses of the board's devices. */
function drawRootIndex(random: Random, taken: readonly bigint[]): bigint {
  for (;;) {
    const index = BigInt(random.below(512));
    const isDevice = index < 4n || (index >= 16n && index < 32n);
    if (!isDevice && !taken.includes(index)) return index;
  }
}

/** A superpage that covers the slot, or one whose address is not a multiple of its size. */
function superPpn(random: Random, gpa: number, bytes: number): bigint {
  const aligned = ppnOf(Math.floor(gpa / bytes) * bytes);
  return random.below(8) === 0 ? aligned | BigInt(1 + random.below(511)) : aligned;
}

export function drawPaging(random: Random, traits: Traits, slotBase: number): Paging {
  const isUser = traits.startMode === 0;
  const root = slotBase + SLOT.rootTable;
  const middle = slotBase + SLOT.middleTable;
  const leaf = slotBase + SLOT.leafTable;
  const data = slotBase + SLOT.data;
  const at = drawRootIndex(random, []);
  const giga = drawRootIndex(random, [at]);
  const [m, mega] = random.below(2) === 0 ? [3, 5] : [511, 0];
  const page = 8 * random.below(60);
  const va = (l2: bigint, l1: number, l0: number): bigint =>
    signExtend((l2 << 30n) | (BigInt(l1) << 21n) | (BigInt(l0) << 12n));
  const entries: TableEntry[] = [
    { gpa: root + 8 * Number(IDENTITY_INDEX), value: entry(ppnOf(IMAGE_BASE + IMAGE.identityTable), V) },
    { gpa: root + 8 * Number(at), value: entry(ppnOf(middle), V) },
    { gpa: middle + 8 * m, value: entry(ppnOf(leaf), V) },
    { gpa: leaf + 8 * page, value: entry(ppnOf(slotBase + SLOT.code), drawCodeFlags(random, true)) },
    { gpa: leaf + 8 * (page + 1), value: entry(ppnOf(slotBase + SLOT.code), drawCodeFlags(random, false)) },
  ];
  const isSwapped = random.below(4) === 0 ? 1 : 0;
  const nowhere = staysAligned(traits) && random.below(8) === 0;
  const changeable: Changeable[] = [0, 1].map((i) => ({
    gpa: leaf + 8 * (page + 3 + i),
    ppn: nowhere && i === 1 ? ppnOf(0x0800_0000) : ppnOf(data + 0x1000 * (i ^ isSwapped)),
  }));
  changeable.push({ gpa: middle + 8 * mega, ppn: superPpn(random, slotBase, MEGA) });
  changeable.push({ gpa: root + 8 * Number(giga), ppn: superPpn(random, slotBase, 2 ** 30) });
  for (const { gpa, ppn } of changeable) entries.push({ gpa, value: entry(ppn, drawFlags(random, isUser)) });
  const aliases = [
    va(at, m, page + 3),
    va(at, mega, 0) + BigInt(data % MEGA),
    va(giga, 0, 0) + BigInt(data - IMAGE_BASE),
  ];
  const physicalCode = BigInt(slotBase + SLOT.code);
  return {
    satp: SV39 | ppnOf(root),
    entries,
    dataVa: aliases[Math.max(0, random.below(6) - 3)],
    codeBases: [va(at, m, page), random.below(2) === 0 ? physicalCode : va(at, m, page + 1), 0n, physicalCode],
    wild: [va(at, m, page + 6), va(at, 17, 0), va(at, m, page + 3) ^ (1n << 39n), va(at, m, page) ^ (1n << 63n)],
    changeable,
  };
}

/** The shared table behind the identity gigapage: every megapage, for S mode, with nothing left to be updated. */
export function identityEntry(index: number): bigint {
  return entry(ppnOf(IMAGE_BASE + index * MEGA), V | R | W | X | A | D);
}

function fence(w: ProgramWriter): void {
  w.emit('sfence.vma', { rs1: 0, rs2: 0 });
}

/** Gives a page other rights and synchronises; where tables cannot be written, or the fence traps, nothing changes. */
export function tableAtom(w: ProgramWriter, traits: Traits, paging: Paging): void {
  const { gpa, ppn } = w.choose(paging.changeable);
  const pointer = w.temporary();
  const value = w.temporary(pointer);
  w.constant(value, entry(ppn, drawFlags(w.random, traits.startMode === 0)));
  w.constant(pointer, BigInt(gpa));
  w.emit('sd', { rs1: pointer, rs2: value, imm: 0 });
  fence(w);
}

/** Fences of all kinds, and writes to `satp` that change nothing: the same value, or a mode that no hart has. */
export function translationAtom(w: ProgramWriter, paging: Paging): void {
  if (w.once(2)) {
    w.emitRandom(w.rows.named('sfence.vma'));
    return;
  }
  const rs1 = w.temporary();
  const reserved = BigInt(1 + w.random.below(7)) << 60n;
  w.constant(rs1, w.once(2) ? paging.satp : reserved | BigInt(w.random.uint32()));
  w.emit('csrrw', { rd: w.destination(), rs1, imm: 0x180 });
}
