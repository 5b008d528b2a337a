/** The longest path of a guest's code on which interrupts are off: over jumps and calls, in virtual time. */

import { VmmError } from '../errors.js';
import type { CodeInstruction, CodeView } from './code-view.js';

/** What an instruction costs: its own time, and that of the exit which it makes. */
export interface PathCosts {
  readonly instructionNs: number;
  /** An access to a device. */
  readonly accessNs: number;
  readonly hypercallNs: number;
}

/** A path by what it costs. */
export interface PathLength {
  readonly ns: number;
  readonly instructions: number;
  readonly exits: number;
}

interface Lengths {
  /** To where interrupts are on again; undefined when no path leads there. */
  readonly toEnd: PathLength | undefined;
  /** To the return of the function, with interrupts off. */
  readonly toReturn: PathLength | undefined;
  /** Back to the head of a loop that is being measured. */
  readonly back: ReadonlyMap<number, PathLength>;
}

const MSTATUS = 0x300;
const MIE = 0x304;
const MIE_BIT = 8;
const RA = 1;
const NONE: Lengths = { toEnd: undefined, toReturn: undefined, back: new Map() };
const EMPTY: PathLength = { ns: 0, instructions: 0, exits: 0 };
const LOOP_SYMBOL = 'rt_loop_';
const EXIT_SYMBOL = 'rt_exit_';

/** What the analysis knows of an image besides its code. */
export interface PathRules {
  readonly costs: PathCosts;
  /** Functions that never come back: what is behind them no longer matters. */
  readonly ends: ReadonlySet<string>;
}

/**
 * Follows code from a point where interrupts have just been turned off. Loops must have a bound, told by a symbol
 * `rt_loop_N_…` at their first instruction (N passes at most); indirect calls and jumps, and what turns interrupts on only
 * perhaps, are refused: `VMM_IMAGE`, naming the place. Instructions named `rt_exit_…` are accesses to a device.
 */
export class MaskedPaths {
  readonly #code: CodeView;
  readonly #rules: PathRules;
  readonly #known = new Map<number, Lengths>();
  readonly #open = new Set<number>();
  readonly #loops = new Map<number, number>();
  readonly #exits: ReadonlySet<number>;
  readonly #ends = new Set<number>();

  constructor(code: CodeView, rules: PathRules) {
    this.#code = code;
    this.#rules = rules;
    this.#exits = new Set(code.addresses(EXIT_SYMBOL).values());
    for (const [name, pc] of code.addresses(LOOP_SYMBOL))
      this.#loops.set(pc, Number.parseInt(name.slice(LOOP_SYMBOL.length), 10));
    for (const name of rules.ends) {
      const pc = code.address(name);
      if (pc !== undefined) this.#ends.add(pc);
    }
  }

  /** From `pc` on, with interrupts off, to where they are on; undefined when the machine ends on every path. */
  longestFrom(pc: number): PathLength | undefined {
    const { toEnd, toReturn } = this.#from(pc);
    if (toReturn !== undefined)
      this.#refuse(pc, 'a function returns with interrupts off, and who called it is not known');
    return toEnd;
  }

  #from(pc: number): Lengths {
    const known = this.#known.get(pc);
    if (known !== undefined) return known;
    if (this.#ends.has(pc)) return NONE;
    if (this.#open.has(pc)) {
      if (!this.#loops.has(pc)) this.#refuse(pc, 'a loop without a bound runs with interrupts off');
      return { toEnd: undefined, toReturn: undefined, back: new Map([[pc, EMPTY]]) };
    }
    this.#open.add(pc);
    const lengths = this.#closeLoop(pc, this.#through(this.#code.at(pc)));
    this.#open.delete(pc);
    this.#known.set(pc, lengths);
    return lengths;
  }

  /** All passes of the loop that begins at `pc`, if one does, in front of what follows it. */
  #closeLoop(pc: number, lengths: Lengths): Lengths {
    const pass = lengths.back.get(pc);
    if (pass === undefined) return lengths;
    const passes = this.#loops.get(pc) ?? 1;
    const all = { ns: pass.ns * passes, instructions: pass.instructions * passes, exits: pass.exits * passes };
    const back = new Map(lengths.back);
    back.delete(pc);
    return before(all, { ...lengths, back });
  }

  #through(instruction: CodeInstruction): Lengths {
    const own = this.#cost(instruction);
    const { pc, length, name, imm, rd } = instruction;
    const next = pc + length;
    switch (name) {
      case 'mret':
        return before(own, { ...NONE, toEnd: EMPTY });
      case 'jal':
        return before(own, rd === 0 ? this.#from(target(pc, imm)) : this.#call(target(pc, imm), next));
      case 'jalr':
        return before(own, this.#indirect(instruction));
      case 'beq':
      case 'bne':
      case 'blt':
      case 'bge':
      case 'bltu':
      case 'bgeu':
        return before(own, longer(this.#from(target(pc, imm)), this.#from(next)));
      case 'wfi':
        return this.#refuse(pc, 'the guest sleeps with interrupts off');
    }
    if (name.startsWith('csr') && this.#turnsOn(instruction)) return before(own, { ...NONE, toEnd: EMPTY });
    return before(own, this.#from(next));
  }

  #indirect({ pc, rd, rs1, imm }: CodeInstruction): Lengths {
    if (rd === 0 && rs1 === RA && imm === 0) return { ...NONE, toReturn: EMPTY };
    const callee = this.#pairTarget(pc, rs1, imm);
    if (callee === undefined) return this.#refuse(pc, 'an indirect call or jump is made with interrupts off');
    return rd === 0 ? this.#from(callee) : this.#call(callee, pc + this.#code.at(pc).length);
  }

  /** Where `auipc` right before this `jalr` leads, which together are one far call. */
  #pairTarget(pc: number, register: number, imm: number): number | undefined {
    const last = this.#code.before(pc);
    return last?.name === 'auipc' && last.rd === register ? target(last.pc, last.imm + imm) : undefined;
  }

  #call(callee: number, next: number): Lengths {
    const inside = this.#from(callee);
    if (inside.back.size > 0) this.#refuse(callee, 'a function calls itself with interrupts off');
    if (inside.toReturn === undefined) return inside;
    return longer({ ...inside, toReturn: undefined }, before(inside.toReturn, this.#from(next)));
  }

  /** Whether a CSR instruction turns interrupts on. */
  #turnsOn(instruction: CodeInstruction): boolean {
    const { pc, name, imm, rs1 } = instruction;
    if (imm !== MSTATUS && imm !== MIE) return false;
    if (name === 'csrrci' || (name === 'csrrs' && rs1 === 0))
      return this.#changesMie(instruction, imm === MIE && rs1 !== 0);
    if (name === 'csrrsi') return imm === MSTATUS && (rs1 & MIE_BIT) !== 0;
    const value = constantIn(this.#code, pc, rs1);
    if (value === undefined)
      return this.#refuse(pc, 'a control register is changed by a value that is not in the code');
    if (name === 'csrrs') return imm === MSTATUS && (value & MIE_BIT) !== 0;
    return this.#refuse(pc, 'interrupts are turned on or off one by one');
  }

  #changesMie({ pc }: CodeInstruction, isChanged: boolean): boolean {
    return isChanged ? this.#refuse(pc, 'interrupts are turned off one by one') : false;
  }

  #cost({ pc, name }: CodeInstruction): PathLength {
    const { instructionNs, accessNs, hypercallNs } = this.#rules.costs;
    const isAccess = this.#exits.has(pc);
    const isCall = name === 'ecall';
    const exitNs = isAccess ? accessNs : isCall ? hypercallNs : 0;
    return { ns: instructionNs + exitNs, instructions: 1, exits: isAccess || isCall ? 1 : 0 };
  }

  #refuse(pc: number, why: string): never {
    const where = this.#code.place(pc);
    throw new VmmError(
      'VMM_IMAGE',
      `the longest time without interrupts of ${this.#code.name} has no bound: at ${where}, ${why}`,
      {
        where,
        hint: 'Keep such stretches free of loops and indirect calls, or give the loop a bound by a symbol rt_loop_N_….',
      },
    );
  }
}

/** The value that `lui` and `addi` right before `pc` put into the register. */
function constantIn(code: CodeView, pc: number, register: number): number | undefined {
  const last = code.before(pc);
  if (last === undefined || last.rd !== register || last.name !== 'addi') return undefined;
  if (last.rs1 === 0) return last.imm;
  const first = code.before(last.pc);
  return first?.name === 'lui' && first.rd === last.rs1 ? (first.imm + last.imm) | 0 : undefined;
}

function target(pc: number, distance: number): number {
  return (pc + distance) >>> 0;
}

function before(first: PathLength, rest: Lengths): Lengths {
  const back = new Map([...rest.back].map(([pc, length]) => [pc, sum(first, length)]));
  return {
    toEnd: rest.toEnd === undefined ? undefined : sum(first, rest.toEnd),
    toReturn: rest.toReturn === undefined ? undefined : sum(first, rest.toReturn),
    back,
  };
}

function longer(one: Lengths, other: Lengths): Lengths {
  const back = new Map(one.back);
  for (const [pc, length] of other.back) back.set(pc, longest(back.get(pc), length) ?? length);
  return { toEnd: longest(one.toEnd, other.toEnd), toReturn: longest(one.toReturn, other.toReturn), back };
}

function longest(one: PathLength | undefined, other: PathLength | undefined): PathLength | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return other.ns > one.ns ? other : one;
}

function sum(one: PathLength, other: PathLength): PathLength {
  return {
    ns: one.ns + other.ns,
    instructions: one.instructions + other.instructions,
    exits: one.exits + other.exits,
  };
}
