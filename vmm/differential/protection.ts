/** Physical memory protection of a program: what its descriptor starts with, and how it changes it. */

import type { Random } from '../../base/index.js';
import { DATA_BYTES, IMAGE, IMAGE_BASE, SLOT } from './image-layout.js';
import type { ProgramWriter } from './program-writer.js';
import type { Traits } from './traits.js';

export interface Protection {
  readonly config: readonly number[];
  readonly address: readonly bigint[];
  /** Start of the data window, which the program's own entries are about. */
  readonly dataGpa: number;
}

const READ = 1;
const WRITE = 2;
const EXECUTE = 4;
const MATCH_SHIFT = 3;
const TOR = 1;
const NA4 = 2;
const NAPOT = 3;
const ALL = READ | WRITE | EXECUTE;

/** Entries 0 and 1 are the monitor's (its own pages, the descriptor), 15 opens all the rest; the others are the program's. */
const FIRST = 2;
const LAST = 14;

const napot = (gpa: number, bytes: number): bigint => BigInt(Math.floor(gpa / 4) + bytes / 8 - 1);

/** W without R is reserved: a hart may keep it or not. */
const drawRights = (random: Random): number => [0, READ, READ | WRITE, EXECUTE, READ | EXECUTE, ALL][random.below(6)];

interface Entry {
  readonly config: number;
  readonly address: bigint;
}

/** An entry about some of the data window. */
function drawEntry(random: Random, dataGpa: number): Entry {
  const rights = drawRights(random);
  const word = dataGpa + 4 * random.below(DATA_BYTES / 4);
  switch (random.below(4)) {
    case 0:
      return { config: rights | (NA4 << MATCH_SHIFT), address: BigInt(word / 4) };
    case 1:
      return { config: rights | (TOR << MATCH_SHIFT), address: BigInt(word / 4) };
    case 2:
      return { config: rights, address: BigInt(word / 4) };
    default: {
      const bytes = 8 << random.below(10);
      return { config: rights | (NAPOT << MATCH_SHIFT), address: napot(Math.floor(word / bytes) * bytes, bytes) };
    }
  }
}

export function drawProtection(random: Random, traits: Traits, slotBase: number): Protection {
  const dataGpa = slotBase + SLOT.data;
  const config = new Array<number>(16).fill(0);
  const address = new Array<bigint>(16).fill(0n);
  const set = (entry: number, value: Entry): void => {
    config[entry] = value.config;
    address[entry] = value.address;
  };
  const open = { config: ALL | (NAPOT << MATCH_SHIFT) };
  set(0, { ...open, address: napot(IMAGE_BASE, IMAGE.slots) });
  // The supervisor's handler reads the code, too: to see how long an instruction is.
  set(1, { ...open, address: napot(slotBase + SLOT.descriptor, traits.delegated ? 0x2000 : 0x1000) });
  if (traits.protectedData) {
    for (let i = 1 + random.below(6); i > 0; i--) {
      set(FIRST + random.below(LAST - FIRST + 1), drawEntry(random, dataGpa));
    }
  }
  // Even with nothing else set: QEMU 7.2 permits everything where no entry is set, the specification nothing.
  set(15, { ...open, address: (1n << (traits.xlen === 32 ? 32n : 54n)) - 1n });
  return { config, address, dataGpa };
}

const PMPCFG = 0x3a0;
const PMPADDR = 0x3b0;

/**
 * Changes one of the program's entries. QEMU 7.2 takes a new address into account when the configuration is written
 * next, also for the entry above, which may begin there: so that write comes last, and both are in one register.
 */
export function protectionAtom(w: ProgramWriter, { dataGpa }: Protection): void {
  const perRegister = w.rows.xlen / 8;
  let entry: number;
  do entry = FIRST + w.random.below(LAST - FIRST + 1);
  while (entry % perRegister === perRegister - 1);
  const drawn = drawEntry(w.random, dataGpa);
  const register = w.rows.xlen === 32 ? PMPCFG + Math.floor(entry / 4) : PMPCFG + 2 * Math.floor(entry / 8);
  const shift = BigInt(8 * (entry % perRegister));
  const rs1 = w.temporary();
  w.constant(rs1, drawn.address);
  w.emit('csrrw', { rd: w.destination(), rs1, imm: PMPADDR + entry });
  w.constant(rs1, 0x7fn << shift);
  w.emit('csrrc', { rd: 0, rs1, imm: register });
  w.constant(rs1, BigInt(drawn.config) << shift);
  w.emit('csrrs', { rd: w.destination(), rs1, imm: register });
}
